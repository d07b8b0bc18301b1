using NovaShim.Compute.Documents;
using NovaShim.Sdk;

namespace NovaShim.Compute.Work;

/// <summary>
/// A document whose work this process holds the lease of. It renews the lease while the work runs; <see cref="Lost"/> fires when the lease cannot be kept, or when
/// the document asks for the work to stop. Every write goes through <see cref="UpdateAsync"/>, which refuses once the lease is another's.
/// </summary>
internal sealed class LeasedWork<T> : IAsyncDisposable where T : Document
{
    private readonly IDocumentCollection<T> _documents;
    private readonly WorkKind<T> _kind;
    private readonly string _owner;
    private readonly TimeSpan _duration;
    private readonly TimeProvider _time;
    private readonly Func<T, bool> _stopWanted;
    private readonly CancellationTokenSource _lost;
    private readonly CancellationTokenSource _done = new();
    private readonly Task _renewal;
    private readonly ITimer _expiry;

    private LeasedWork(IDocumentCollection<T> documents, WorkKind<T> kind, T document, string owner, TimeSpan duration, TimeProvider time, Func<T, bool> stopWanted, CancellationToken stopping)
    {
        (_documents, _kind, Document, _owner, _duration, _time, _stopWanted) = (documents, kind, document, owner, duration, time, stopWanted);
        Began = kind.Of(document)!;
        _lost = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        // A process that was frozen past its lease finds this timer overdue when it thaws, before it finds anything else to do.
        _expiry = time.CreateTimer(_ => _lost.Cancel(), null, duration, Timeout.InfiniteTimeSpan);
        _renewal = RenewAsync();
    }

    /// <summary>The document as this process last read or wrote it.</summary>
    public T Document { get; private set; }

    /// <summary>The work item in <see cref="Document"/>.</summary>
    public WorkItem Item => _kind.Of(Document)!;

    /// <summary>The work item as it was when the lease was taken.</summary>
    public WorkItem Began { get; }

    /// <summary>Fires when the work must stop before its next side effect.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Takes the lease of a due document; null when somebody else was faster.</summary>
    public static async Task<LeasedWork<T>?> TryTakeAsync(
        IDocumentCollection<T> documents, WorkKind<T> kind, T document, string owner, TimeSpan duration, TimeProvider time, Func<T, bool> stopWanted, CancellationToken stopping)
    {
        var item = kind.Of(document)!;
        var now = time.GetUtcNow().UtcDateTime;

        // A process that stops in the midst of this must know whether it has the lease, or it could not give it back.
        stopping.ThrowIfCancellationRequested();
        var leased = await documents.ReplaceAsync(kind.With(document, item with { Lease = new Lease(owner, now + duration), BegunAt = item.BegunAt ?? now }), CancellationToken.None);
        return leased is null ? null : new LeasedWork<T>(documents, kind, leased, owner, duration, time, stopWanted, stopping);
    }

    /// <summary>Does the work; when it stops before its end, the lease is given back, so that whoever may go on with it can do so at once.</summary>
    public async Task RunAsync(Func<LeasedWork<T>, Task> run)
    {
        try
        {
            await run(this);
        }
        catch (OperationCanceledException) when (Lost.IsCancellationRequested)
        {
            await _documents.UpdateAsync(
                Document.Key, d => _kind.Of(d) is { } item && item.Lease?.Owner == _owner ? _kind.With(d, item with { Lease = null }) : null, CancellationToken.None);
            throw;
        }
    }

    /// <summary>Whether the lease is still this process's in the store, as of now. Throws <see cref="LeaseLostException"/> when not.</summary>
    public async Task VerifyAsync(CancellationToken cancellation)
    {
        var current = await _documents.GetAsync(Document.Key, cancellation);
        ThrowUnlessMine(current);
        Document = current!;
    }

    /// <summary>Changes the document under the lease. <paramref name="change"/> may run several times. Throws <see cref="LeaseLostException"/> when the lease is another's.</summary>
    public async Task<T> UpdateAsync(Func<T, T> change, CancellationToken cancellation)
    {
        while (true)
        {
            var current = await _documents.GetAsync(Document.Key, cancellation);
            ThrowUnlessMine(current);
            if (await _documents.ReplaceAsync(change(current!), cancellation) is { } stored)
            {
                return Document = stored;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _done.CancelAsync();
        await _renewal;
        await _expiry.DisposeAsync();
        _lost.Dispose();
        _done.Dispose();
    }

    private void ThrowUnlessMine(T? current)
    {
        if (current is null || _kind.Of(current)?.Lease?.Owner != _owner)
        {
            _lost.Cancel();
            throw new LeaseLostException($"The work on {Document.Key} has been taken over or is no longer wanted.");
        }
    }

    private async Task RenewAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(_duration / 3, _time, _done.Token);
                var until = _time.GetUtcNow().UtcDateTime + _duration;
                try
                {
                    var renewed = await UpdateAsync(d => _kind.With(d, _kind.Of(d)! with { Lease = new Lease(_owner, until) }), _done.Token);
                    _expiry.Change(until - _time.GetUtcNow().UtcDateTime, Timeout.InfiniteTimeSpan);
                    if (_stopWanted(renewed))
                    {
                        await _lost.CancelAsync();
                    }
                }
                catch (DocumentStoreException)
                {
                    // The store is away: try again until the lease runs out, which the expiry timer watches.
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or LeaseLostException)
        {
            // Done, or another's.
        }
    }
}
