using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Work;

namespace NovaShim.Compute.Servers;

/// <summary>
/// Tends the servers whose work outside migrations nobody does, because their host is silent: a build that was never begun goes to another host; for all else the server is in ERROR,
/// says which host must come back, and leaves ERROR by itself when the work is done. As in <see cref="Migrations.StalledMigrations"/>, every change is a compare-and-set.
/// </summary>
internal sealed partial class StalledServers(IDocumentStore store, WorkHints hints, ComputeOptions options, TimeProvider time, ILogger<StalledServers> log)
{
    private readonly IDocumentCollection<InstanceDocument> _instances = store.Collection<InstanceDocument>();

    /// <summary>Looks at every server for which a host has work due.</summary>
    public async Task TendAsync(HostSilence silence, CancellationToken cancellation)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var overdue = options.OverdueAt(now);
        foreach (var i in await _instances.WhereAsync(i => i.Work != null && i.Work.Actor != null && i.Work.Actor != Actors.Scheduler && i.Work.DueAt <= overdue, cancellation))
        {
            if (!i.Work!.IsLeased(now) && silence.Of(i.Work.Actor!) is { } silent)
            {
                await TendAsync(i, silent, now, cancellation);
            }
        }
    }

    private async Task TendAsync(InstanceDocument i, string silent, DateTime now, CancellationToken cancellation)
    {
        var work = i.Work!;
        if (work.BegunAt is null && ActionSteps.IsBuild(i))
        {
            LogElsewhere(i.Uuid, silent);
            if (await _instances.ReplaceAsync(i.RefusedBy(work.Actor!, now), cancellation) is { } rescheduled)
            {
                await hints.InstanceDueAsync(rescheduled, cancellation);
            }

            return;
        }

        var message = $"{work.Step} waits for host {work.Actor} to come back, and is done when it does: {silent}.";
        if (i.VmState != VmStates.Error || i.Fault?.Message != message)
        {
            await _instances.ReplaceAsync(i.Faulted(message, now), cancellation);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Server {Uuid} is built elsewhere: {Reason}")]
    private partial void LogElsewhere(string uuid, string reason);
}
