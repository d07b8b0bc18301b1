using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;
using NovaShim.Sdk;

namespace NovaShim.Compute.Work;

/// <summary>
/// Does the due work of one actor in one kind of document: asks the store at its start, whenever it is woken, and on a timer. There is no other
/// recovery: starting up is recovering.
/// </summary>
internal sealed partial class WorkLoop<T> where T : Document
{
    private readonly IDocumentCollection<T> _documents;
    private readonly WorkKind<T> _kind;
    private readonly string _actor;
    private readonly Func<LeasedWork<T>, Task> _run;
    private readonly Func<T, bool> _stopWanted;
    private readonly ProcessIdentity _process;
    private readonly ComputeOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly ConcurrentDictionary<string, Task> _running = new();

    /// <param name="documents">Where the documents are.</param>
    /// <param name="kind">What kind they are.</param>
    /// <param name="actor">Whose work to do.</param>
    /// <param name="run">Does the work of a document under its lease.</param>
    /// <param name="stopWanted">Whether a document asks for its running work to stop.</param>
    /// <param name="process">Who this process is in a lease.</param>
    /// <param name="options">Intervals.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">The log.</param>
    public WorkLoop(
        IDocumentCollection<T> documents, WorkKind<T> kind, string actor, Func<LeasedWork<T>, Task> run, Func<T, bool> stopWanted, ProcessIdentity process, ComputeOptions options, TimeProvider time, ILogger log) =>
        (_documents, _kind, _actor, _run, _stopWanted, _process, _options, _time, _log) = (documents, kind, actor, run, stopWanted, process, options, time, log);

    /// <summary>Look now: something may be due.</summary>
    public void Wake() => _wake.Writer.TryWrite(true);

    /// <summary>Runs until cancelled, and then until the running work has stopped.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        var storeAway = false;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await StartDueWorkAsync(stopping);
                storeAway = false;
            }
            catch (DocumentStoreException e)
            {
                if (!storeAway)
                {
                    LogStoreAway(_actor, e);
                }

                storeAway = true;
            }
            catch (OperationCanceledException)
            {
                break;
            }

            await WaitAsync(stopping);
        }

        await Task.WhenAll(_running.Values);
    }

    private async Task StartDueWorkAsync(CancellationToken stopping)
    {
        var now = _time.GetUtcNow().UtcDateTime;
        foreach (var document in await _documents.WhereAsync(_kind.Due(_actor, now), stopping))
        {
            // Work that this very process runs is not taken again, even when its lease has run out: it is about to find that out itself.
            if (_running.Count >= _options.ConcurrentSteps || _running.ContainsKey(document.Key))
            {
                continue;
            }

            if (_kind.Of(document)!.Lease is { } lease && lease.ExpiresAt > now && lease.Owner != _process.Id)
            {
                continue;
            }

            if (await LeasedWork<T>.TryTakeAsync(_documents, _kind, document, _process.Id, TimeSpan.FromSeconds(_options.LeaseSeconds), _time, _stopWanted, stopping) is { } work)
            {
                // It begins only once it is noted: one that ended before would stay noted for ever, and its document would never be taken again.
                var noted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _running[document.Key] = RunOneAsync(work, document.Key, noted.Task);
                noted.SetResult();
            }
        }
    }

    private async Task RunOneAsync(LeasedWork<T> work, string key, Task noted)
    {
        await noted;
        try
        {
            await using (work)
            {
                await work.RunAsync(_run);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or LeaseLostException)
        {
            LogStopped(_actor, key, e.Message);
        }
        catch (Exception e)
        {
            // The runner writes failures of its steps into the document; what arrives here is a store that is away or a defect. Either way the document still says what is due,
            // and the pause keeps a defect from spinning.
            LogFailed(_actor, key, e);
            await Task.Delay(TimeSpan.FromSeconds(_options.RetrySeconds), _time, CancellationToken.None);
        }
        finally
        {
            _running.TryRemove(key, out _);
            Wake();
        }
    }

    private async Task WaitAsync(CancellationToken stopping)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var tick = Task.Delay(TimeSpan.FromSeconds(_options.PollSeconds), _time, timer.Token);
        var wake = _wake.Reader.WaitToReadAsync(timer.Token).AsTask();
        await Task.WhenAny(tick, wake);
        _wake.Reader.TryRead(out _);
        await timer.CancelAsync();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The document store is away; {Actor} goes on asking for its due work.")]
    private partial void LogStoreAway(string actor, Exception e);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Actor} stopped working on {Key}: {Reason}")]
    private partial void LogStopped(string actor, string key, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Actor} could not finish working on {Key}; it stays due.")]
    private partial void LogFailed(string actor, string key, Exception e);
}
