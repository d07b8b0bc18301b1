using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;

namespace NovaShim.Compute.Migrations;

/// <summary>Moves a migration from step to step and shows each on the server: for the runner, and for the API when a user confirms or reverts.</summary>
internal sealed class MigrationPlan(ResizeMigration migration, IDocumentStore store, WorkHints hints, ComputeOptions options, TimeProvider time)
{
    private readonly IDocumentCollection<InstanceDocument> _instances = store.Collection<InstanceDocument>();
    private readonly IDocumentCollection<MigrationDocument> _migrations = store.Collection<MigrationDocument>();

    /// <summary>The migration with its next step; without one, the next still to be unwound; without any, at rest.</summary>
    public MigrationDocument GoTo(MigrationDocument m, string? next)
    {
        var saga = m.Saga;
        if (next is null && saga.Unwinding is [var first, ..])
        {
            (next, saga) = (first, saga with { Unwinding = [.. saga.Unwinding.Skip(1)] });
        }

        if (next is null)
        {
            return m with { Saga = saga with { Actor = null, Lease = null, BegunAt = null, Attempts = 0, Error = null, Waiting = null, Checkpoint = null } };
        }

        var step = migration.Steps[next];
        var actor = step.Actor switch
        {
            StepActor.Scheduler => Actors.Scheduler,
            StepActor.Source => m.SourceCompute,
            StepActor.Destination => m.DestCompute,
            _ => saga.Actor,
        };
        var now = time.GetUtcNow().UtcDateTime;
        var due = now;
        if (next == ResizeMigration.AwaitVerification)
        {
            (actor, due) = options.ResizeConfirmWindow > 0 ? (actor, now.AddSeconds(options.ResizeConfirmWindow)) : (null, now);
        }

        // The lease stays while this process goes on with the next step.
        var lease = actor == saga.Actor && due <= now ? saga.Lease : null;
        return m with
        {
            Status = step.Status ?? m.Status,
            Saga = saga with { Step = next, Actor = actor, DueAt = due, Lease = lease, BegunAt = lease is null ? null : now, Attempts = 0, Error = null, Waiting = null, Checkpoint = null },
        };
    }

    /// <summary>The migration on its way back from where it stands, with the reason for people; null when there is no way back from there.</summary>
    public MigrationDocument? Unwind(MigrationDocument m, string reason) =>
        migration.UndosOf(m) is { } undos ? GoTo(m with { Status = MigrationStatus.Error, Saga = m.Saga with { Fault = reason, Unwinding = undos } }, next: null) : null;

    /// <summary>The migration back at rest, with the reason for people why it could not go on from there; null when the step where it stands does not allow that.</summary>
    public MigrationDocument? RestAgain(MigrationDocument m, string reason) =>
        migration.Steps[m.Saga.Step].Otherwise is { } rest ? GoTo(m with { Saga = m.Saga with { Fault = reason } }, rest) : null;

    /// <summary>Shows a step on the server, if the migration still has a say over it.</summary>
    public async Task ShowAsync(MigrationDocument m, Func<CancellationToken, Task> verifyLease, CancellationToken cancellation)
    {
        if (migration.Steps[m.Saga.Step].Server is not { } server)
        {
            return;
        }

        while (await _instances.GetAsync(m.InstanceUuid, cancellation) is { } i && i.MigrationUuid == m.Uuid && server(m, i) is var shown && shown != i)
        {
            // The lease is looked at between reading and writing: whoever took the migration over has either written the server since,
            // and then this write fails, or will write it later, and then this one does no harm.
            await verifyLease(cancellation);
            if (await _instances.ReplaceAsync(shown, cancellation) is { } stored)
            {
                if (stored is { MigrationUuid: null, Work: not null })
                {
                    await hints.InstanceDueAsync(stored, cancellation);
                }

                return;
            }
        }
    }

    /// <summary>
    /// Shows a server in ERROR because the step that its migration is at must be done and is not, if the migration is still as it is given: the user is told what is waited for, and the
    /// server leaves ERROR by itself when the step is done.
    /// </summary>
    public async Task ShowStuckAsync(MigrationDocument m, string message, string details, CancellationToken cancellation)
    {
        while (await _instances.GetAsync(m.InstanceUuid, cancellation) is { } i && i.MigrationUuid == m.Uuid && !(i.VmState == VmStates.Error && i.Fault?.Message == message && i.Fault.Details == details))
        {
            // As above: whoever has taken the step meanwhile shows the server after having written the migration.
            if ((await _migrations.GetAsync(m.Key, cancellation))?.Revision != m.Revision
                || await _instances.ReplaceAsync(i with { VmState = VmStates.Error, Fault = new InstanceFault(500, message, details, time.GetUtcNow().UtcDateTime) }, cancellation) is not null)
            {
                return;
            }
        }
    }
}
