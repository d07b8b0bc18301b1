using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Hosts;

/// <summary>Which services are alive: each writes a heartbeat, and whoever has not for a while is down.</summary>
public sealed class ServiceGroup(IDocumentStore store, ComputeOptions options, TimeProvider time)
{
    /// <summary>Nova's name of the service that drives a host.</summary>
    public const string ComputeBinary = "nova-compute";

    /// <summary>Nova's name of the scheduler.</summary>
    public const string SchedulerBinary = "nova-scheduler";

    private readonly IDocumentCollection<ServiceDocument> _services = store.Collection<ServiceDocument>();

    /// <summary>Whether a service has been heard of lately.</summary>
    public bool IsUp(ServiceDocument service) => time.GetUtcNow().UtcDateTime - service.LastSeenUp <= TimeSpan.FromSeconds(options.ServiceDownSeconds);

    /// <summary>The hosts whose compute service is up and enabled.</summary>
    public async Task<IReadOnlySet<string>> UsableComputeHostsAsync(CancellationToken cancellation) =>
        (await ComputeServicesAsync(cancellation)).Where(s => !s.Disabled && IsUp(s)).Select(s => s.Host).ToHashSet(StringComparer.Ordinal);

    /// <summary>The compute services, alive or not.</summary>
    public Task<IReadOnlyList<ServiceDocument>> ComputeServicesAsync(CancellationToken cancellation) => _services.WhereAsync(s => s.Binary == ComputeBinary, cancellation);

    /// <summary>Writes a heartbeat, and the service's document the first time.</summary>
    public async Task BeatAsync(string host, string binary, string topic, CancellationToken cancellation)
    {
        var key = $"{host}/{binary}";
        var now = time.GetUtcNow().UtcDateTime;
        if (await _services.UpdateAsync(key, s => s with { ReportCount = s.ReportCount + 1, LastSeenUp = now }, cancellation) is null)
        {
            try
            {
                await _services.InsertAsync(
                    new ServiceDocument { Key = key, Id = await store.NextIdAsync<ServiceDocument>(cancellation), Host = host, Binary = binary, Topic = topic, ReportCount = 1, LastSeenUp = now }, cancellation);
            }
            catch (DuplicateKeyException)
            {
                // The same service, started twice at once.
            }
        }
    }
}
