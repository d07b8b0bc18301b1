using NovaShim.Compute.Documents;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Work;

namespace NovaShim.Compute.Servers;

/// <summary>The verbs of whoever runs the cloud, beside those of its users in <see cref="ComputeApi"/>: take a migration back, try it now, free a server from a state.</summary>
public sealed class OperatorApi
{
    private readonly IDocumentCollection<InstanceDocument> _instances;
    private readonly IDocumentCollection<MigrationDocument> _migrations;
    private readonly ResizeMigration _migration;
    private readonly WorkHints _hints;
    private readonly TimeProvider _time;

    internal OperatorApi(IDocumentStore store, ResizeMigration migration, WorkHints hints, TimeProvider time)
    {
        (_migration, _hints, _time) = (migration, hints, time);
        _instances = store.Collection<InstanceDocument>();
        _migrations = store.Collection<MigrationDocument>();
    }

    private DateTime Now => _time.GetUtcNow().UtcDateTime;

    /// <summary>
    /// Asks for a migration to be taken back: the server is where and what it was when that is done. Asked for twice, it is taken back once. Null when there is no such migration; throws
    /// <see cref="MigrationInvalidStateException"/> when there is no way back from where it stands, or it is on its way already.
    /// </summary>
    public Task<MigrationDocument?> AbortMigrationAsync(string uuid, CancellationToken cancellation) => ChangeAsync(
        uuid,
        m => WhyNotAborted(m) is { } reason ? throw new MigrationInvalidStateException($"Cannot abort migration {uuid}: {reason}")
            : m.Saga.AbortReason is not null ? m
            : m with { Saga = m.Saga with { AbortReason = "An administrator has aborted the migration.", DueAt = m.Saga.DueAt < Now ? m.Saga.DueAt : Now } },
        cancellation);

    /// <summary>
    /// Makes the next step of a migration due now, whatever pause it is in. Null when there is no such migration; throws <see cref="MigrationInvalidStateException"/> when it has no next step that
    /// only time is waited for.
    /// </summary>
    public Task<MigrationDocument?> RetryMigrationAsync(string uuid, CancellationToken cancellation) => ChangeAsync(
        uuid,
        m => m.Saga.Step == ResizeMigration.AwaitVerification ? throw new MigrationInvalidStateException($"Cannot retry migration {uuid}: it waits for its server's user to confirm or revert.")
            : m.Saga.Actor is null ? throw new MigrationInvalidStateException($"Cannot retry migration {uuid}: it is over, with status {m.Status}.")
            : m.Saga.DueAt <= Now ? m
            : m with { Saga = m.Saga with { DueAt = Now } },
        cancellation);

    /// <summary>
    /// Sets a server's state by hand, and drops what was to be done with it outside migrations. Throws <see cref="InstanceInvalidStateException"/> while a migration has the say: where its VM runs is not for anybody
    /// to say but the migration's hosts. Only one that is confirmed already and merely sweeps the old host lets go, and sweeps on. Throws it as well for a server whose VM is being destroyed, or was never made.
    /// </summary>
    /// <param name="instance">The server.</param>
    /// <param name="vmState"><see cref="VmStates.Active"/> or <see cref="VmStates.Error"/>.</param>
    /// <param name="cancellation">Cancels.</param>
    public async Task ResetStateAsync(InstanceDocument instance, string vmState, CancellationToken cancellation)
    {
        while (await _instances.GetAsync(instance.Key, cancellation) is { Deleted: false } i)
        {
            var m = i.MigrationUuid is { } uuid ? await _migrations.GetAsync(uuid, cancellation) : null;
            if (m is not null && m.Saga.Step is not (ResizeMigration.ConfirmResize or ResizeMigration.Confirmed))
            {
                throw new InstanceInvalidStateException(
                    $"Cannot reset the state of instance {i.Uuid} while migration {m.Uuid} is at {m.Saga.Step}{(m.Saga.Actor is { } actor ? " with " + actor : "")}: confirm, revert, abort or retry it.");
            }

            if (i.Work is { Step: InstanceSteps.TerminateInstance, BegunAt: not null } delete)
            {
                throw new InstanceInvalidStateException($"Cannot reset the state of instance {i.Uuid}: {delete.Actor} has begun to destroy it.");
            }

            if (vmState == VmStates.Active && (i.Host is null || i.LaunchedAt is null))
            {
                throw new InstanceInvalidStateException($"Cannot reset the state of instance {i.Uuid} to active: it has never been built.");
            }

            var fault = vmState == VmStates.Error ? new InstanceFault(500, "An administrator has set the state to error.", "", Now) : null;
            if (await _instances.ReplaceAsync((m is null ? i : ResizeMigration.AtDestination(m, i)) with { VmState = vmState, TaskState = null, MigrationUuid = null, Work = null, Fault = fault }, cancellation) is not null)
            {
                return;
            }
        }
    }

    private string? WhyNotAborted(MigrationDocument m) => m.Status switch
    {
        MigrationStatus.Finished => "it is finished, and waits for its server's user to confirm or revert.",
        MigrationStatus.Confirming => "it is being confirmed, from which there is no way back.",
        MigrationStatus.Reverting => "it is being reverted already.",
        MigrationStatus.Error when m.Saga.Actor is not null => "it is being taken back already.",
        _ when m.Saga.Actor is null => $"it is over, with status {m.Status}.",
        _ when _migration.UndosOf(m) is null => $"it is at {m.Saga.Step}, between two hosts. Try again when that is done.",
        _ => null,
    };

    private async Task<MigrationDocument?> ChangeAsync(string uuid, Func<MigrationDocument, MigrationDocument> change, CancellationToken cancellation)
    {
        var changed = await _migrations.UpdateAsync(uuid, change, cancellation);
        if (changed is not null)
        {
            await _hints.MigrationDueAsync(changed, cancellation);
        }

        return changed;
    }
}
