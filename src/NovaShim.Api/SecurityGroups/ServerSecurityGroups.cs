using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.SecurityGroups;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.SecurityGroups;

/// <summary>Which groups a server is in: what its create asks for, and what is changed afterwards. A server whose document names none is in its tenant's default group.</summary>
internal sealed class ServerSecurityGroups(SecurityGroupShelf groups, IDocumentStore store)
{
    private IDocumentCollection<InstanceDocument> Instances => store.Collection<InstanceDocument>();

    /// <summary>The groups of a create's body; null when it asks for none, or for nothing but the default group. Throws a 400 for one that there is not.</summary>
    public async Task<IReadOnlyList<SecurityGroupReference>?> OfBodyAsync(ApiRequest request, BodyField server, CancellationToken cancellation)
    {
        if (server.Get("security_groups") is not { IsEmpty: false } asked)
        {
            return null;
        }

        List<string> names = [.. asked.Items().Select(g => g.Require("name").Text()).Distinct(StringComparer.Ordinal)];
        if (names is [SecurityGroupDocument.Default])
        {
            return null;
        }

        var found = new List<SecurityGroupReference>();
        foreach (var name in names)
        {
            var group = name == SecurityGroupDocument.Default ? await groups.DefaultOfAsync(request.ProjectId, cancellation) : await groups.FindAsync(request.ProjectId, name, cancellation);
            found.Add(Reference(group ?? throw Fault.BadRequest($"Security group {name} not found for project {request.ProjectId}.")));
        }

        return found;
    }

    /// <summary>A server's groups.</summary>
    public async Task<IReadOnlyList<SecurityGroupDocument>> OfAsync(InstanceDocument server, CancellationToken cancellation)
    {
        var own = await groups.ListAsync(server.ProjectId, cancellation);
        return [.. own.Where(g => server.SecurityGroups is null ? g.Name == SecurityGroupDocument.Default : server.SecurityGroups.Any(r => r.Id == g.Id))];
    }

    /// <summary>Puts a server into a group of its tenant. Throws a 404 when there is no such group, and a 400 when the server is in it.</summary>
    public async Task AddAsync(InstanceDocument server, string name, CancellationToken cancellation)
    {
        var group = await RequireAsync(server, name, cancellation);
        var first = Reference(await groups.DefaultOfAsync(server.ProjectId, cancellation));
        await ChangeAsync(
            server,
            now => now.Any(g => g.Id == group.Id) ? throw Fault.BadRequest($"Security group {name} is already associated with the instance {server.Uuid}") : [.. now, Reference(group)],
            first, cancellation);

        // Who removes a group looks first whether a server is in it, and may have done so before this was written.
        if (await groups.FindAsync(server.ProjectId, name, CancellationToken.None) is null)
        {
            await ChangeAsync(server, now => [.. now.Where(g => g.Id != group.Id)], first, CancellationToken.None);
            throw NotFound(server, name);
        }
    }

    /// <summary>Takes a server out of a group. Throws a 404 when there is no such group, and a 400 when the server is not in it.</summary>
    public async Task RemoveAsync(InstanceDocument server, string name, CancellationToken cancellation)
    {
        var group = await RequireAsync(server, name, cancellation);
        await ChangeAsync(
            server,
            now => now.Any(g => g.Id == group.Id)
                ? [.. now.Where(g => g.Id != group.Id)]
                : throw Fault.BadRequest($"Security group {name} is not associated with the instance {server.Uuid}"),
            Reference(await groups.DefaultOfAsync(server.ProjectId, cancellation)), cancellation);
    }

    private static SecurityGroupReference Reference(SecurityGroupDocument group) => new(group.Id, group.Name);

    private static FaultException NotFound(InstanceDocument server, string name) => Fault.NotFound($"Security group {name} not found for project {server.ProjectId}.");

    private async Task<SecurityGroupDocument> RequireAsync(InstanceDocument server, string name, CancellationToken cancellation) =>
        name == SecurityGroupDocument.Default ? await groups.DefaultOfAsync(server.ProjectId, cancellation)
        : await groups.FindAsync(server.ProjectId, name, cancellation) ?? throw NotFound(server, name);

    private async Task ChangeAsync(
        InstanceDocument server, Func<IReadOnlyList<SecurityGroupReference>, IReadOnlyList<SecurityGroupReference>> change, SecurityGroupReference first, CancellationToken cancellation)
    {
        _ = await Instances.UpdateAsync(server.Key, i => i.Deleted ? null : i with { SecurityGroups = change(i.SecurityGroups ?? [first]) }, cancellation)
            ?? throw Fault.NotFound($"Instance {server.Uuid} could not be found.");
    }
}
