using NovaShim.Compute.Aggregates;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.ServerGroups;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Compute.Scheduling;

/// <summary>
/// Chooses hosts: those that pass every filter — alive, enabled, in the zone, allowed by the hints, room, the same driver for a move — and of those the one with the most free memory; of equals the first by name,
/// so that the choice can be foreseen.
/// </summary>
public sealed class FilterScheduler(IDocumentStore store, ServiceGroup services, HostZones zones, HintedHosts hinted)
{
    /// <summary>Where to move a server to; null when no host fits.</summary>
    public async Task<ComputeNodeDocument?> SelectDestinationAsync(InstanceDocument server, Flavor flavor, string source, IReadOnlyList<string> refusedBy, CancellationToken cancellation)
    {
        var driver = (await store.Collection<ComputeNodeDocument>().GetAsync(source, cancellation))?.Driver;
        return await SelectAsync(server, flavor, node => node.Host != source && node.Driver == driver && !refusedBy.Contains(node.Host), cancellation);
    }

    /// <summary>Where to build a server; null when no host fits.</summary>
    public Task<ComputeNodeDocument?> SelectForBuildAsync(InstanceDocument server, IReadOnlyList<string> refusedBy, CancellationToken cancellation) =>
        SelectAsync(server, server.Flavor, node => (server.WantedHost() is not { } host || node.Host == host) && !refusedBy.Contains(node.Host), cancellation);

    private async Task<ComputeNodeDocument?> SelectAsync(InstanceDocument server, Flavor flavor, Func<ComputeNodeDocument, bool> wanted, CancellationToken cancellation)
    {
        var usable = await services.UsableComputeHostsAsync(cancellation);
        var nodes = store.Collection<ComputeNodeDocument>();
        var claim = ResourceClaim.Of(flavor, migrationUuid: null);
        var zone = server.WantedZone();
        var zoneOf = zone is null ? null : await zones.MapAsync(cancellation);
        var fitting = (await nodes.ListAsync(nodes.Query(), cancellation))
            .Where(n => usable.Contains(n.Host) && wanted(n) && (zone is null || zoneOf!.GetValueOrDefault(n.Host, HostZones.Default) == zone) && n.HasRoomFor(claim, besides: ""))
            .OrderByDescending(n => n.Stats.MemoryMb - n.MemoryMbUsed())
            .ThenBy(n => n.Host, StringComparer.Ordinal)
            .ToList();
        return await hinted.ChooseAsync(server, allowed => fitting.FirstOrDefault(n => allowed(n.Host)), cancellation);
    }
}
