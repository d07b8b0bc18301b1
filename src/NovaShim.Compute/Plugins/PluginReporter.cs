using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Plugins;

/// <summary>
/// Writes what this process has loaded and refused into the store, at every change and again at an interval, so that people see it whichever process they ask. Removes its documents when it stops;
/// those of processes that died are removed by the others after a day.
/// </summary>
public sealed partial class PluginReporter(PluginHost plugins, IDocumentStore store, PluginOptions options, TimeProvider time, ILogger<PluginReporter> log) : BackgroundService
{
    private static readonly TimeSpan _keepTheDead = TimeSpan.FromDays(1);
    private readonly IDocumentCollection<PluginDocument> _documents = store.Collection<PluginDocument>();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var changed = new SemaphoreSlim(0, 1);
        void OnChanged(object? sender, EventArgs e)
        {
            try
            {
                changed.Release();
            }
            catch (SemaphoreFullException)
            {
                // A report is due already.
            }
        }

        plugins.Changed += OnChanged;
        try
        {
            while (true)
            {
                try
                {
                    await ReportAsync(plugins.Plugins, stoppingToken);
                }
                catch (DocumentStoreException e)
                {
                    LogStoreAway(e);
                }

                using var timer = new CancellationTokenSource(TimeSpan.FromSeconds(options.ReportSeconds), time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, stoppingToken);
                try
                {
                    await changed.WaitAsync(either.Token);
                }
                catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
                {
                    // The interval is over.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
        finally
        {
            plugins.Changed -= OnChanged;
        }
    }

    /// <summary>Stops reporting and takes this process's documents away, if the store answers in time.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await ReportAsync([], cancellationToken);
        }
        catch (Exception e) when (e is DocumentStoreException or OperationCanceledException)
        {
            LogStoreAway(e);
        }
    }

    private async Task ReportAsync(IReadOnlyList<PluginStatus> now, CancellationToken cancellation)
    {
        var seenAt = Milliseconds(time.GetUtcNow().UtcDateTime);
        var (process, old) = (options.Process, seenAt - _keepTheDead);
        foreach (var status in now)
        {
            var document = Document(status, seenAt);
            if (await _documents.UpdateAsync(document.Key, d => document with { Revision = d.Revision, CreatedAt = d.CreatedAt }, cancellation) is null)
            {
                await _documents.InsertAsync(document, cancellation);
            }
        }

        foreach (var document in await _documents.WhereAsync(d => d.Process == process || d.SeenAt < old, cancellation))
        {
            if (document.Process != process || now.All(s => s.Name != document.Name))
            {
                await _documents.DeleteAsync(document, cancellation);
            }
        }
    }

    private PluginDocument Document(PluginStatus status, DateTime seenAt) => new()
    {
        Key = $"{options.Process}/{status.Name}",
        Process = options.Process,
        Name = status.Name,
        Path = status.Path,
        Driver = status.Driver,
        Version = status.Version,
        SdkVersion = status.SdkVersion,
        State = status.State.ToString().ToLowerInvariant(),
        Message = status.Message,
        LoadedAt = status.LoadedAt is { } at ? Milliseconds(at) : null,
        SeenAt = seenAt,
    };

    /// <summary>The stores keep whole milliseconds.</summary>
    private static DateTime Milliseconds(DateTime t) => new(t.Ticks - (t.Ticks % TimeSpan.TicksPerMillisecond), DateTimeKind.Utc);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The list of this process's plugins could not be stored; it is tried again at the next interval.")]
    private partial void LogStoreAway(Exception e);
}
