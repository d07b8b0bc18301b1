using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;

namespace NovaShim.Compute.Migrations;

/// <summary>Moves a migration from step to step and shows each on the server: for the runner, and for the API when a user confirms or reverts.</summary>
internal sealed class MigrationPlan(ResizeMigration migration, IDocumentStore store, WorkHints hints, ComputeOptions options, TimeProvider time)
{
    private readonly IDocumentCollection<InstanceDocument> _instances = store.Collection<InstanceDocument>();

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
            return m with { Saga = saga with { Actor = null, Lease = null, Attempts = 0, Error = null, Checkpoint = null } };
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
        return m with
        {
            Status = step.Status ?? m.Status,
            Saga = saga with { Step = next, Actor = actor, DueAt = due, Lease = actor == saga.Actor && due <= now ? saga.Lease : null, Attempts = 0, Error = null, Checkpoint = null },
        };
    }

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
}
