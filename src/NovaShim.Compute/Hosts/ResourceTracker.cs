using NovaShim.Compute.Documents;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Compute.Hosts;

/// <summary>
/// Claims a host's memory, CPUs and disk for servers. Claims are entries by server in the host's one document, so that compare-and-set keeps two schedulers from giving the same room away,
/// taking a claim twice takes it once, and one that no server stands behind is found and dropped.
/// </summary>
public sealed class ResourceTracker(IDocumentStore store)
{
    private readonly IDocumentCollection<ComputeNodeDocument> _nodes = store.Collection<ComputeNodeDocument>();

    /// <summary>Claims room for a server, for a build or for an incoming migration. Throws with <see cref="StepRecovery.Reschedule"/> when there is none.</summary>
    public async Task ClaimAsync(string host, string instanceUuid, string? migrationUuid, Flavor flavor, CancellationToken cancellation)
    {
        var claim = ResourceClaim.Of(flavor, migrationUuid);
        var full = false;
        var claimed = await _nodes.UpdateAsync(
            host,
            node =>
            {
                full = !node.HasRoomFor(claim, besides: instanceUuid);
                return full ? null : node with { Claims = new Dictionary<string, ResourceClaim>(node.Claims) { [instanceUuid] = claim } };
            },
            cancellation);
        if (claimed is null)
        {
            throw new StepFailedException(full ? $"Host {host} has no room for flavor {flavor.Name}." : $"Host {host} has not said yet what it has to offer.", StepRecovery.Reschedule);
        }
    }

    /// <summary>Gives a server's claim on a host back; with a migration, only the claim that this migration took. Nothing claimed: nothing happens.</summary>
    public Task ReleaseAsync(string host, string instanceUuid, string? migrationUuid, CancellationToken cancellation) =>
        _nodes.UpdateAsync(
            host,
            node => node.Claims.TryGetValue(instanceUuid, out var claim) && (migrationUuid is null || claim.MigrationUuid == migrationUuid)
                ? node with { Claims = node.Claims.Where(c => c.Key != instanceUuid).ToDictionary() }
                : null,
            cancellation);

    /// <summary>Drops the claims on a host that no server stands behind: neither living there, nor coming, nor still to be confirmed or reverted.</summary>
    public async Task DropOrphansAsync(string host, CancellationToken cancellation)
    {
        if (await _nodes.GetAsync(host, cancellation) is not { } node)
        {
            return;
        }

        foreach (var (instanceUuid, claim) in node.Claims)
        {
            var server = await store.Collection<InstanceDocument>().GetAsync(instanceUuid, cancellation);
            var wanted = server is { Deleted: false } && (server.Host == host || server.MigrationUuid is { } m && await InvolvesAsync(m, host, cancellation));
            if (!wanted)
            {
                await ReleaseAsync(host, instanceUuid, claim.MigrationUuid, cancellation);
            }
        }
    }

    private async Task<bool> InvolvesAsync(string migrationUuid, string host, CancellationToken cancellation) =>
        await store.Collection<MigrationDocument>().GetAsync(migrationUuid, cancellation) is { } m && (m.SourceCompute == host || m.DestCompute == host);
}
