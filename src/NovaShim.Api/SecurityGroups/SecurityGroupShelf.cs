using System.Globalization;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.SecurityGroups;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.SecurityGroups;

/// <summary>
/// The security groups that there are, and who may see which: a tenant its own, an administrator all. A tenant's default group comes to be when something is first asked of it.
/// </summary>
internal sealed class SecurityGroupShelf(IDocumentStore store)
{
    private IDocumentCollection<SecurityGroupDocument> Groups => store.Collection<SecurityGroupDocument>();

    private IDocumentCollection<SecurityGroupRuleDocument> Rules => store.Collection<SecurityGroupRuleDocument>();

    /// <summary>A tenant's default group.</summary>
    public async Task<SecurityGroupDocument> DefaultOfAsync(string project, CancellationToken cancellation)
    {
        if (await FindAsync(project, SecurityGroupDocument.Default, cancellation) is { } found)
        {
            return found;
        }

        try
        {
            return await InsertAsync(project, SecurityGroupDocument.Default, SecurityGroupDocument.Default, cancellation);
        }
        catch (DuplicateKeyException)
        {
            return await FindAsync(project, SecurityGroupDocument.Default, cancellation) ?? throw new InvalidOperationException("A default group is never removed.");
        }
    }

    /// <summary>A tenant's group of a name, or null.</summary>
    public Task<SecurityGroupDocument?> FindAsync(string project, string name, CancellationToken cancellation) => Groups.FirstOrDefaultAsync(g => g.ProjectId == project && g.Name == name, cancellation);

    /// <summary>The groups of some ids.</summary>
    public Task<IReadOnlyList<SecurityGroupDocument>> FindAsync(IReadOnlyCollection<int> ids, CancellationToken cancellation) => Groups.WhereAsync(g => ids.Contains(g.Id), cancellation);

    /// <summary>The group of the route's <c>id</c>; a 400 when that is no integer, or a 404.</summary>
    public Task<SecurityGroupDocument> RequireAsync(ApiRequest request, CancellationToken cancellation) =>
        int.TryParse(request.Route("id"), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var id)
            ? RequireAsync(request, id, cancellation)
            : throw Fault.BadRequest("Security group id should be integer");

    /// <summary>The group of an id, or a 404.</summary>
    public async Task<SecurityGroupDocument> RequireAsync(ApiRequest request, int id, CancellationToken cancellation) =>
        await Groups.FirstOrDefaultAsync(g => g.Id == id, cancellation) is { } found && (request.IsAdmin || found.ProjectId == request.ProjectId)
            ? found
            : throw Fault.NotFound($"Security group {id} not found.");

    /// <summary>A tenant's, its default group among them, or every tenant's; by id.</summary>
    public async Task<IReadOnlyList<SecurityGroupDocument>> ListAsync(string? project, CancellationToken cancellation)
    {
        if (project is null)
        {
            return await Groups.ListAsync(Groups.Query().OrderBy(g => g.Id), cancellation);
        }

        await DefaultOfAsync(project, cancellation);
        return await Groups.ListAsync(Groups.Query().Where(g => g.ProjectId == project).OrderBy(g => g.Id), cancellation);
    }

    /// <summary>How many a tenant has; the default group counts, be it asked for already or not.</summary>
    public async Task<int> CountAsync(string project, CancellationToken cancellation) => 1 + (int)await Groups.CountAsync(g => g.ProjectId == project && g.Name != SecurityGroupDocument.Default, cancellation);

    /// <summary>Adds one. Throws a fault when the tenant has one of the name, or as many as it may have. Two who add at once may both be refused, but never both succeed with the last.</summary>
    public async Task<SecurityGroupDocument> AddAsync(ApiRequest request, string name, string description, int most, CancellationToken cancellation)
    {
        var project = request.ProjectId;
        await DefaultOfAsync(project, cancellation);
        if (await FindAsync(project, name, cancellation) is not null)
        {
            throw NameTaken(name);
        }

        SecurityGroupDocument added;
        if (most >= 0 && await CountAsync(project, cancellation) >= most)
        {
            throw TooMany(request);
        }

        try
        {
            added = await InsertAsync(project, name, description, cancellation);
        }
        catch (DuplicateKeyException)
        {
            throw NameTaken(name);
        }

        if (most >= 0 && await CountAsync(project, CancellationToken.None) > most)
        {
            await Groups.DeleteAsync(added, CancellationToken.None);
            throw TooMany(request);
        }

        return added;
    }

    /// <summary>Gives one another name and description, and its servers the name. Done again, it ends what a run that died has left.</summary>
    public async Task<SecurityGroupDocument> UpdateAsync(SecurityGroupDocument group, string? name, string? description, CancellationToken cancellation)
    {
        SecurityGroupDocument updated;
        try
        {
            updated = await Groups.UpdateAsync(group.Key, g => g with { Name = name ?? g.Name, Description = description ?? g.Description }, cancellation)
                ?? throw Fault.NotFound($"Security group {group.Id} not found.");
        }
        catch (DuplicateKeyException)
        {
            throw NameTaken(name!);
        }

        var instances = store.Collection<InstanceDocument>();
        foreach (var server in (await ServersInAsync(updated, cancellation)).Where(s => s.SecurityGroups!.Any(g => g.Id == updated.Id && g.Name != updated.Name)))
        {
            await instances.UpdateAsync(
                server.Key, i => i with { SecurityGroups = i.SecurityGroups is { } groups ? [.. groups.Select(g => g.Id == updated.Id ? g with { Name = updated.Name } : g)] : null }, CancellationToken.None);
        }

        return updated;
    }

    /// <summary>Removes one, with its rules and those that let its servers in elsewhere. Throws a 400 while a server is in it.</summary>
    public async Task RemoveAsync(SecurityGroupDocument group, CancellationToken cancellation)
    {
        if (group.Name == SecurityGroupDocument.Default)
        {
            throw Fault.BadRequest($"Unable to delete system group '{group.Name}'");
        }

        if ((await ServersInAsync(group, cancellation)).Count > 0)
        {
            throw Fault.BadRequest("Security group is still in use");
        }

        // The rules first: what is left when this dies in between lets less in, and not more, and can be removed again.
        foreach (var rule in await Rules.WhereAsync(r => r.ParentGroupId == group.Id || r.PeerGroupId == group.Id, cancellation))
        {
            await RemoveAsync(rule, cancellation);
        }

        while (await Groups.GetAsync(group.Key, cancellation) is { } current && !await Groups.DeleteAsync(current, cancellation))
        {
            // It was given another name meanwhile.
        }
    }

    /// <summary>The rules of groups, oldest first.</summary>
    public async Task<ILookup<int, SecurityGroupRuleDocument>> RulesOfAsync(IReadOnlyCollection<int> groups, CancellationToken cancellation) =>
        (await Rules.WhereAsync(r => groups.Contains(r.ParentGroupId), cancellation)).OrderBy(r => r.Id).ToLookup(r => r.ParentGroupId);

    /// <summary>Adds a rule. Throws a fault when the group has it, or as many as it may have.</summary>
    public async Task<SecurityGroupRuleDocument> AddAsync(ApiRequest request, SecurityGroupRuleDocument rule, int most, CancellationToken cancellation)
    {
        if (await Rules.GetAsync(rule.Key, cancellation) is not null)
        {
            throw RuleThere(rule);
        }

        if (most >= 0 && await Rules.CountAsync(r => r.ParentGroupId == rule.ParentGroupId, cancellation) >= most)
        {
            throw Fault.OverQuota(request.Surface, "Quota exceeded, too many security group rules.");
        }

        try
        {
            return await Rules.InsertAsync(rule with { Id = await store.NextIdAsync<SecurityGroupRuleDocument>(cancellation) }, cancellation);
        }
        catch (DuplicateKeyException)
        {
            throw RuleThere(rule);
        }
    }

    /// <summary>A rule of a group that the user sees, or null.</summary>
    public async Task<SecurityGroupRuleDocument?> FindRuleAsync(ApiRequest request, int id, CancellationToken cancellation) =>
        await Rules.FirstOrDefaultAsync(r => r.Id == id, cancellation) is { } rule && await Groups.FirstOrDefaultAsync(g => g.Id == rule.ParentGroupId, cancellation) is { } group
            && (request.IsAdmin || group.ProjectId == request.ProjectId) ? rule : null;

    /// <summary>Removes a rule.</summary>
    public Task RemoveAsync(SecurityGroupRuleDocument rule, CancellationToken cancellation) => Rules.DeleteAsync(rule, cancellation);

    private static FaultException NameTaken(string name) => Fault.BadRequest($"Security group {name} already exists");

    private static FaultException TooMany(ApiRequest request) => Fault.OverQuota(request.Surface, "Quota exceeded, too many security groups.");

    private static FaultException RuleThere(SecurityGroupRuleDocument rule) => Fault.BadRequest($"This rule already exists in group {rule.ParentGroupId}");

    private async Task<SecurityGroupDocument> InsertAsync(string project, string name, string description, CancellationToken cancellation)
    {
        var id = await store.NextIdAsync<SecurityGroupDocument>(cancellation);
        return await Groups.InsertAsync(
            new SecurityGroupDocument { Key = id.ToString(CultureInfo.InvariantCulture), Id = id, ProjectId = project, Name = name, Description = description }, cancellation);
    }

    private async Task<IReadOnlyList<InstanceDocument>> ServersInAsync(SecurityGroupDocument group, CancellationToken cancellation) =>
        [.. (await store.Collection<InstanceDocument>().WhereAsync(i => i.ProjectId == group.ProjectId && !i.Deleted, cancellation)).Where(i => i.SecurityGroups?.Any(g => g.Id == group.Id) == true)];
}
