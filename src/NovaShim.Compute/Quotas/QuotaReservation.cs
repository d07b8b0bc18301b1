using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Quotas;

/// <summary>A promise, from when it was made until what it is for has been written. To be disposed of in either case: where that fails it ends by itself.</summary>
public sealed class QuotaReservation : IAsyncDisposable
{
    private readonly QuotaLedger _ledger;
    private readonly string _projectId;
    private readonly string? _promise;

    internal QuotaReservation(QuotaLedger ledger, string projectId, string? promise, IReadOnlyList<ServerShare> servers)
    {
        (_ledger, _projectId, _promise) = (ledger, projectId, promise);
        Servers = [.. servers.Select(s => s.InstanceUuid)];
    }

    /// <summary>The UUIDs of the servers it is for.</summary>
    public IReadOnlyList<string> Servers { get; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await (_promise is null ? Task.CompletedTask : _ledger.ReleaseAsync(_projectId, _promise));
        }
        catch (DocumentStoreException)
        {
            // The store is away; the promise expires.
        }
    }
}
