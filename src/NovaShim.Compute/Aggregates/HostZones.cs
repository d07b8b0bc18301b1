using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Aggregates;

/// <summary>Which availability zone a host is in: its aggregate's, or the default one.</summary>
public sealed class HostZones(IDocumentStore store)
{
    /// <summary>The zone of hosts that no aggregate says anything about (Nova's <c>default_availability_zone</c>).</summary>
    public const string Default = "nova";

    /// <summary>The zone that services are shown in which drive no host (Nova's <c>internal_service_availability_zone</c>).</summary>
    public const string Internal = "internal";

    /// <summary>The zones of the hosts that are in an aggregate with one; all others are in <see cref="Default"/>.</summary>
    public async Task<IReadOnlyDictionary<string, string>> MapAsync(CancellationToken cancellation)
    {
        var aggregates = store.Collection<AggregateDocument>();
        var zones = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var aggregate in (await aggregates.ListAsync(aggregates.Query(), cancellation)).OrderBy(a => a.Id))
        {
            foreach (var host in aggregate.Zone() is null ? [] : aggregate.Hosts)
            {
                zones.TryAdd(host, aggregate.Zone()!);
            }
        }

        return zones;
    }
}
