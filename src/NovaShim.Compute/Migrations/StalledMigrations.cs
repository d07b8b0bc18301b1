using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Notifications;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;

namespace NovaShim.Compute.Migrations;

/// <summary>
/// Tends the migrations whose next step nobody takes, because the host that must is silent. Where there is a way back that is taken; where there is none, the server is in ERROR and
/// says which host must come back. Any number of schedulers may do this at once, and the host may come back in the midst of it: every change is a compare-and-set, and whoever comes second finds
/// it changed.
/// </summary>
internal sealed partial class StalledMigrations(
    ResizeMigration migration, MigrationPlan plan, IDocumentStore store, WorkHints hints, InstanceActions actions, InstanceNotifications notifications, ComputeOptions options, TimeProvider time,
    ILogger<StalledMigrations> log)
{
    private readonly IDocumentCollection<MigrationDocument> _migrations = store.Collection<MigrationDocument>();

    /// <summary>Looks at every migration that is due with a host.</summary>
    public async Task TendAsync(HostSilence silence, CancellationToken cancellation)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var overdue = options.OverdueAt(now);
        foreach (var m in await _migrations.WhereAsync(m => m.Saga.Actor != null && m.Saga.Actor != Actors.Scheduler && m.Saga.DueAt <= overdue, cancellation))
        {
            if (!m.Saga.IsLeased(now) && silence.Of(m.Saga.Actor!) is { } silent)
            {
                await TendAsync(m, silent, cancellation);
            }
        }
    }

    private Task TendAsync(MigrationDocument m, string silent, CancellationToken cancellation)
    {
        var step = migration.Steps[m.Saga.Step];
        return (step.Name, step.Actor) switch
        {
            // A resize that nobody attends to does not confirm itself while its new host is not to be seen: the old VM may be all that is left.
            (ResizeMigration.AwaitVerification, _) => Task.CompletedTask,

            // What only writes down what has been reached needs no host.
            (_, StepActor.Same) => HandToSchedulerAsync(m, cancellation),

            // The VM may run there. Nothing else may be started, and nothing can be undone, before that host says how it stands.
            (ResizeMigration.FinishResize, _) => ShowStuckAsync(m, silent, cancellation),
            _ => UnwindAsync(m, silent, cancellation),
        };
    }

    private async Task HandToSchedulerAsync(MigrationDocument m, CancellationToken cancellation)
    {
        if (await _migrations.ReplaceAsync(m with { Saga = m.Saga with { Actor = Actors.Scheduler, Lease = null } }, cancellation) is { } handed)
        {
            await hints.MigrationDueAsync(handed, cancellation);
        }
    }

    private async Task UnwindAsync(MigrationDocument m, string silent, CancellationToken cancellation)
    {
        var reason = $"{m.Saga.Step} could not be done: {silent}.";
        var free = m with { Saga = m.Saga with { Lease = null } };
        if ((plan.Unwind(free, reason) ?? plan.RestAgain(free, reason)) is not { } back)
        {
            await ShowStuckAsync(m, silent, cancellation);
        }
        else if (await _migrations.ReplaceAsync(back, cancellation) is { } unwinding)
        {
            LogUnwinding(m.Uuid, reason);
            await actions.RecordAsync(m.InstanceUuid, m.Saga.Context, "compute_" + m.Saga.Step, m.Saga.Actor!, m.Saga.DueAt, reason, cancellation);
            if (await store.Collection<InstanceDocument>().GetAsync(m.InstanceUuid, cancellation) is { } server)
            {
                await notifications.ErrorAsync(InstanceEvents.Of(m, m.Saga.Step), server, m.Saga.Actor!, m.Saga.Context, reason);
            }

            await hints.MigrationDueAsync(unwinding, cancellation);
        }
    }

    private Task ShowStuckAsync(MigrationDocument m, string silent, CancellationToken cancellation) => plan.ShowStuckAsync(
        m, $"{m.Saga.Step} waits for host {m.Saga.Actor} to come back, and is done when it does: {silent}.{(m.Saga.Fault is { } why ? " Before that: " + why : "")}", $"migration {m.Uuid}", cancellation);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Migration {Uuid} is taken back: {Reason}")]
    private partial void LogUnwinding(string uuid, string reason);
}
