using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Hosts;

/// <summary>
/// Tells which hosts have fallen silent. Only who has listened for long enough can tell: after a start, or when the store or this process was away, every host seems silent to it.
/// One listener is for one loop.
/// </summary>
internal sealed class SilentHosts(ServiceGroup services, ComputeOptions options, TimeProvider time)
{
    private DateTime? _since;
    private DateTime _last;

    /// <summary>Listens; to be called at every heartbeat interval. Null: it is too early to tell.</summary>
    public async Task<HostSilence?> ListenAsync(CancellationToken cancellation)
    {
        try
        {
            var all = await services.ComputeServicesAsync(cancellation);

            // Not before: a store that was away answers late, and nobody could write a heartbeat meanwhile.
            var now = time.GetUtcNow().UtcDateTime;
            var enough = TimeSpan.FromSeconds(options.ServiceDownSeconds);
            _since = _since is null || now - _last >= enough / 2 ? now : _since;
            _last = now;
            return now - _since < enough ? null : new HostSilence(all.ToDictionary(s => s.Host, s => (s.LastSeenUp, services.IsUp(s)), StringComparer.Ordinal));
        }
        catch (DocumentStoreException)
        {
            _since = null;
            throw;
        }
    }
}

/// <summary>What a listener has found.</summary>
internal sealed class HostSilence(IReadOnlyDictionary<string, (DateTime LastSeenUp, bool IsUp)> heard)
{
    /// <summary>Says, for people, since when a host is silent; null when it is not.</summary>
    public string? Of(string host) =>
        !heard.TryGetValue(host, out var service) ? $"host {host} has no nova-compute"
        : service.IsUp ? null
        : $"the nova-compute of host {host} has not been heard of since {service.LastSeenUp:u}";
}
