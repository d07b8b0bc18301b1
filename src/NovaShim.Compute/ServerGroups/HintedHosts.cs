using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Servers;

namespace NovaShim.Compute.ServerGroups;

/// <summary>Chooses hosts under the hints of a server: its group's policy, and servers whose host it is to share or to avoid.</summary>
public sealed class HintedHosts(IDocumentStore store)
{
    private readonly IDocumentCollection<ServerGroupDocument> _groups = store.Collection<ServerGroupDocument>();
    private readonly IDocumentCollection<InstanceDocument> _instances = store.Collection<InstanceDocument>();

    /// <summary>Runs a choice among the hosts that the hints allow, again when another member of the group was placed meanwhile; the choice is noted in the group.</summary>
    public async Task<ComputeNodeDocument?> ChooseAsync(InstanceDocument server, Func<Func<string, bool>, ComputeNodeDocument?> choose, CancellationToken cancellation)
    {
        if (server.Hints is not { } hints)
        {
            return choose(_ => true);
        }

        var same = await HostsOfAsync(server, hints.SameHost, cancellation);
        var different = await HostsOfAsync(server, hints.DifferentHost, cancellation);
        bool Allowed(string host) => (hints.SameHost.Count == 0 || same.Contains(host)) && !different.Contains(host);
        while (hints.Group is { } id && await _groups.GetAsync(id, cancellation) is { } group)
        {
            var taken = await HostsOfOthersAsync(group, server, cancellation);
            var node = choose(host => Allowed(host) && (group.Policy == ServerGroupDocument.AntiAffinity ? !taken.Contains(host) : taken.Count == 0 || taken.Contains(host)));
            if (node is null || await _groups.ReplaceAsync(group with { Placements = new Dictionary<string, string>(group.Placements) { [server.Uuid] = node.Host } }, cancellation) is not null)
            {
                return node;
            }
        }

        // No group, or none any more.
        return choose(Allowed);
    }

    /// <summary>The members of groups, oldest first, by the group's UUID.</summary>
    public async Task<ILookup<string, string>> MembersAsync(IReadOnlyCollection<string> groups, CancellationToken cancellation)
    {
        var members = await _instances.ListAsync(
            _instances.Query().Where(i => i.Hints != null && i.Hints.Group != null && groups.Contains(i.Hints.Group) && !i.Deleted).OrderBy(i => i.Id).Select(i => new { i.Uuid, i.Hints!.Group }), cancellation);
        return members.ToLookup(m => m.Group!, m => m.Uuid, StringComparer.Ordinal);
    }

    /// <summary>Where servers of the same tenant are. Another tenant's are not there.</summary>
    private async Task<IReadOnlySet<string>> HostsOfAsync(InstanceDocument server, IReadOnlyList<string> uuids, CancellationToken cancellation) => uuids.Count == 0
        ? new HashSet<string>()
        : (await _instances.WhereAsync(i => uuids.Contains(i.Uuid) && i.ProjectId == server.ProjectId && !i.Deleted, cancellation)).Select(i => i.Host).OfType<string>().ToHashSet(StringComparer.Ordinal);

    /// <summary>Where the other members are, and where they are going to be.</summary>
    private async Task<IReadOnlySet<string>> HostsOfOthersAsync(ServerGroupDocument group, InstanceDocument server, CancellationToken cancellation)
    {
        var hosts = new HashSet<string>(StringComparer.Ordinal);
        foreach (var other in await _instances.WhereAsync(i => i.Hints != null && i.Hints.Group == group.Key && !i.Deleted, cancellation))
        {
            if (other.Uuid == server.Uuid)
            {
                continue;
            }

            if (other.Host is { } host)
            {
                hosts.Add(host);
            }

            if ((other.Host is null || other.MigrationUuid is not null) && group.Placements.GetValueOrDefault(other.Uuid) is { } chosen)
            {
                hosts.Add(chosen);
            }
        }

        return hosts;
    }
}
