using System.Collections.Frozen;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Compute.Migrations;

/// <summary>
/// A server moves to another host and, perhaps, another flavor.
/// <code>
/// (C client, A API, S scheduler, O source compute = where the server is, D destination compute, o/d their hypervisors)
///
///  C → A   POST …/servers/{id}/action {"resize": {"flavorRef": "2"}}
///  A       the migration document; server RESIZE                                                                    migration queued
///  A → C   202 Accepted
///  A → S   [1] schedule: S picks D: alive, enabled, room for the flavor, not the source
///  S → O   [2] prep_source: o makes a key for this one migration and offers its public half
///  O → D   [3] prep_resize: D claims the resources, lets the key in, offers where to send                           pre-migrating
///  D → O   [4] resize_instance: the disks go over while the guest runs, the guest stops, the rest goes over         migrating
///  O → D   [5] finish_resize: d proves the disks, rebuilds the VM with the new flavor, starts it                    post-migrating
///  D       [6] verify_resize: server VERIFY_RESIZE, host = D, and the user has the word                             finished
///
///  C → A   confirmResize → 204    A → D   [7] prep_confirm: d has the VM and its disks; if not, back to [6]         confirming
///                                 D → O   [8] confirm_resize: destroy what is left at o
///                                 O       [9] confirmed: server ACTIVE                                              confirmed
///  C → A   revertResize → 202     A → D   [10] revert_resize: stop and destroy the VM at d, release the claim       reverting
///                                 D → O   [11] finish_revert_resize: unblock and start the VM at o
///                                 O       [12] reverted: server ACTIVE, with its old host and flavor                reverted
///
///  a step fails for good: [10] and [11] undo, in the order that the step names, and [13] failed: server ACTIVE where it was      error
/// </code>
/// A server that was SHUTOFF when the user asked is started nowhere and comes to rest SHUTOFF, where ACTIVE is said above.
/// The document says which step is next and who must take it; the arrows between hosts are hints to look. Every step may run twice, and each is safe to
/// stop at any point: <see cref="MigrationRunner"/> runs them, this file says what they are.
/// </summary>
internal sealed class ResizeMigration(MigrationQueue queue, ResourceTracker resources)
{
    public const string Schedule = "schedule";
    public const string PrepSource = "prep_source";
    public const string PrepResize = "prep_resize";
    public const string ResizeInstance = "resize_instance";
    public const string FinishResize = "finish_resize";
    public const string VerifyResize = "verify_resize";
    public const string AwaitVerification = "await_verification";
    public const string PrepConfirm = "prep_confirm";
    public const string ConfirmResize = "confirm_resize";
    public const string Confirmed = "confirmed";
    public const string RevertResize = "revert_resize";
    public const string FinishRevertResize = "finish_revert_resize";
    public const string Reverted = "reverted";
    public const string Failed = "failed";

    /// <summary>What a user's revert runs through after <see cref="RevertResize"/>.</summary>
    public static readonly IReadOnlyList<string> AfterRevert = [FinishRevertResize, Reverted];

    // Before there is a destination, and after one has refused and been swept.
    private static readonly IReadOnlyList<string> SourceOnly = [FinishRevertResize, Failed];

    // As long as the destination cannot have started the VM, the source comes first: the server is back before the destination is swept, even
    // when the destination never answers again.
    private static readonly IReadOnlyList<string> SourceFirst = [FinishRevertResize, Failed, RevertResize];

    // Once it may have, the destination must be stopped and gone before the source is unblocked: at most one VM of a server runs, ever.
    private static readonly IReadOnlyList<string> DestinationFirst = [RevertResize, FinishRevertResize, Failed];

    /// <summary>The steps by name.</summary>
    public FrozenDictionary<string, MigrationStep> Steps => field ??= All().ToFrozenDictionary(s => s.Name);

    /// <summary>What undoes a migration from where it stands, in order; null when there is no way back from there.</summary>
    public IReadOnlyList<string>? UndosOf(MigrationDocument m)
    {
        var saga = m.Saga;
        if (Steps[saga.Step].Unwind is not { } undos)
        {
            return null;
        }

        // A copy that is made again has been at finish_resize before.
        undos = ReferenceEquals(undos, SourceFirst) && saga.CopiedAgain > 0 ? DestinationFirst : undos;

        // What was never begun needs no undo, and need not wait for a host that is not there to do it.
        var sourceTouched = saga.SourceOffer is not null || saga.Step == PrepSource && saga.BegunAt is not null;
        var destinationTouched = saga.DestinationOffer is not null || saga.Step == PrepResize && saga.BegunAt is not null;
        return [.. undos.Where(u => u == RevertResize ? destinationTouched : u != FinishRevertResize || sourceTouched)];
    }

    private MigrationStep[] All() =>
    [
        // [1] Before anything is touched: a server that fits nowhere has lost nothing but a moment. When it is the second choice, the source has its key already.
        new()
        {
            Name = Schedule, Actor = StepActor.Scheduler, Status = MigrationStatus.Queued, Server = (_, i) => Resizing(i, TaskStates.ResizePrep),
            Do = ChooseDestinationAsync, Next = PrepSource, Unwind = SourceOnly,
        },

        // [2] Before the destination opens its door it must know for whom. The private half never leaves the source's hypervisor.
        new()
        {
            Name = PrepSource, Actor = StepActor.Source, Server = (_, i) => Resizing(i, TaskStates.ResizePrep),
            Do = PrepareSourceAsync, Next = PrepResize, Unwind = SourceFirst,
        },

        // [3] The claim comes before the copy: nobody is to find out after an hour of copying that there is no room.
        new()
        {
            Name = PrepResize, Actor = StepActor.Destination, Server = (_, i) => Resizing(i, TaskStates.ResizePrep),
            Status = MigrationStatus.PreMigrating, Do = PrepareDestinationAsync, Next = ResizeInstance, Unwind = SourceFirst,
        },

        // [4] The long one. When it is done the guest is stopped and its start is blocked: from here to the end of [5] is the downtime.
        new()
        {
            Name = ResizeInstance, Actor = StepActor.Source, Server = (_, i) => Resizing(i, TaskStates.ResizeMigrating),
            Status = MigrationStatus.Migrating, Do = CopyAsync, Next = FinishResize, Unwind = SourceFirst,
        },

        // [5] Nothing of the source has been destroyed yet, and nothing will be before the user confirms.
        new()
        {
            Name = FinishResize, Actor = StepActor.Destination, Server = (_, i) => Resizing(i, TaskStates.ResizeFinish),
            Status = MigrationStatus.PostMigrating, Do = FinishAsync, Next = VerifyResize, Unwind = DestinationFirst,
        },

        // [6] The migration is `finished` before the server says so: a user who sees VERIFY_RESIZE can confirm at once.
        new() { Name = VerifyResize, Actor = StepActor.Same, Status = MigrationStatus.Finished, Server = Arrived, Next = AwaitVerification },

        // The rest between [6] and [7] or [10]. It falls due by itself only when an unattended resize is to confirm itself.
        new() { Name = AwaitVerification, Actor = StepActor.Destination, Next = PrepConfirm },

        // [7] What is destroyed next may be all that is left of the server, if somebody has taken away what the user takes to be there: then the word is not obeyed, and may be given anew.
        new()
        {
            Name = PrepConfirm, Actor = StepActor.Destination, Server = (_, i) => Task(i, TaskStates.ResizeConfirming),
            Status = MigrationStatus.Confirming, Do = CheckDestinationAsync, Next = ConfirmResize, Otherwise = VerifyResize,
        },

        // [8] From here on there is no way back: tried until it is done. A delete comes here without [7]: it wants nothing to be left anywhere.
        new()
        {
            Name = ConfirmResize, Actor = StepActor.Source, Server = (_, i) => Task(i, TaskStates.ResizeConfirming),
            Status = MigrationStatus.Confirming, Do = ConfirmAsync, Next = Confirmed,
        },

        // [9] Says once more where the server is: a delete confirms without waiting for [6] to be shown.
        new() { Name = Confirmed, Actor = StepActor.Same, Status = MigrationStatus.Confirmed, Server = (m, i) => AtRest(m, AtDestination(m, i)) },

        // [10] Destroys at the destination only; the source's disks are whole. Also the undo of [3] and [5].
        new() { Name = RevertResize, Actor = StepActor.Destination, Server = Reverting, Do = RevertAsync },

        // [11] Also the undo of [2] and [4]: it starts the guest only where the migration had stopped it.
        new() { Name = FinishRevertResize, Actor = StepActor.Source, Server = Reverting, Do = FinishRevertAsync },

        // [12]
        new() { Name = Reverted, Actor = StepActor.Same, Status = MigrationStatus.Reverted, Server = (m, i) => AtRest(m, BackAtSource(m, i)) },

        // [13] The server is the user's again even if the destination has yet to be swept.
        new() { Name = Failed, Actor = StepActor.Same, Status = MigrationStatus.Error, Server = (m, i) => AtRest(m, BackAtSource(m, i)) },
    ];

    // [1] S picks D, when it is the migration's turn.
    private async Task<Func<MigrationDocument, MigrationDocument>> ChooseDestinationAsync(MigrationWork work, CancellationToken cancellation)
    {
        var m = work.Migration;
        var node = await queue.LeaveAsync(m, cancellation)
            ?? throw new StepFailedException($"No valid host was found. No host beside {m.SourceCompute} is up, enabled and has room for flavor {m.Saga.NewFlavor.Name}.", StepRecovery.Unwind);
        return found => found with { DestCompute = node.Host, DestHost = node.Stats.HostIp, DestNode = node.Stats.HypervisorHostname };
    }

    // [2] O offers.
    private async Task<Func<MigrationDocument, MigrationDocument>> PrepareSourceAsync(MigrationWork work, CancellationToken cancellation)
    {
        var offer = await work.Manager!.PrepSourceAsync(work.Context!, cancellation);
        return prepared => prepared with { Saga = prepared.Saga with { SourceOffer = offer } };
    }

    // [3] D claims and offers.
    private async Task<Func<MigrationDocument, MigrationDocument>> PrepareDestinationAsync(MigrationWork work, CancellationToken cancellation)
    {
        await resources.ClaimAsync(work.Host!, work.Migration.InstanceUuid, work.Migration.Uuid, work.Migration.Saga.NewFlavor, cancellation);
        var offer = await work.Manager!.PrepResizeAsync(work.Context!, cancellation);
        return prepared => prepared with { Saga = prepared.Saga with { DestinationOffer = offer } };
    }

    // [4] O copies, stops, copies the rest.
    private async Task<Func<MigrationDocument, MigrationDocument>> CopyAsync(MigrationWork work, CancellationToken cancellation)
    {
        var diskInfo = await work.Manager!.ResizeInstanceAsync(work.Context!, cancellation);
        return copied => copied with { Saga = copied.Saga with { DiskInfo = diskInfo } };
    }

    // [5] D proves, rebuilds, starts.
    private async Task<Func<MigrationDocument, MigrationDocument>> FinishAsync(MigrationWork work, CancellationToken cancellation)
    {
        await work.Manager!.FinishResizeAsync(work.Context!, cancellation);
        return finished => finished with { Saga = finished.Saga with { Progress = finished.Saga.Progress with { Percent = 100 } } };
    }

    // [7] D says whether it has what the user has confirmed.
    private async Task<Func<MigrationDocument, MigrationDocument>> CheckDestinationAsync(MigrationWork work, CancellationToken cancellation)
    {
        await work.Manager!.PrepConfirmAsync(work.Context!, cancellation);
        return unchanged => unchanged;
    }

    // [8] O destroys the old VM.
    private async Task<Func<MigrationDocument, MigrationDocument>> ConfirmAsync(MigrationWork work, CancellationToken cancellation)
    {
        await work.Manager!.ConfirmResizeAsync(work.Context!, cancellation);
        await resources.ReleaseAsync(work.Host!, work.Migration.InstanceUuid, migrationUuid: null, cancellation);
        return unchanged => unchanged;
    }

    // [10] D destroys the new VM, then gives back its claim: never the other way round, or the room could be given away while it is taken.
    private async Task<Func<MigrationDocument, MigrationDocument>> RevertAsync(MigrationWork work, CancellationToken cancellation)
    {
        await work.Manager!.RevertResizeAsync(work.Context!, cancellation);
        await resources.ReleaseAsync(work.Host!, work.Migration.InstanceUuid, work.Migration.Uuid, cancellation);
        return unchanged => unchanged;
    }

    // [11] O takes the server back.
    private async Task<Func<MigrationDocument, MigrationDocument>> FinishRevertAsync(MigrationWork work, CancellationToken cancellation)
    {
        await work.Manager!.FinishRevertResizeAsync(work.Context!, cancellation);
        return unchanged => unchanged;
    }

    // How the server stands. A user's delete is never painted over: it waits for the migration to rest.
    private static InstanceDocument Task(InstanceDocument i, string? task) => i.TaskState == TaskStates.Deleting ? i : i with { TaskState = task };

    private static InstanceDocument Resizing(InstanceDocument i, string task) => Task(i with { VmState = VmStates.Resizing, Fault = null }, task);

    private static InstanceDocument Reverting(MigrationDocument m, InstanceDocument i) =>
        m.Status == MigrationStatus.Reverting ? Task(i with { VmState = VmStates.Resized }, TaskStates.ResizeReverting) : i;

    private static InstanceDocument Arrived(MigrationDocument m, InstanceDocument i) => Task(
        AtDestination(m, i) with { VmState = VmStates.Resized, PowerState = PowerStateOf(m), Progress = 100, Fault = null }, null);

    /// <summary>The server where a migration that is finished has brought it, as what it has become.</summary>
    public static InstanceDocument AtDestination(MigrationDocument m, InstanceDocument i) => i with { Host = m.DestCompute, Node = m.DestNode, Flavor = m.Saga.NewFlavor };

    private static InstanceDocument BackAtSource(MigrationDocument m, InstanceDocument i) =>
        i with { Host = m.SourceCompute, Node = m.SourceNode, Flavor = m.Saga.OldFlavor };

    // The migration has no more say. A delete that waited for this moment falls due, wherever the server is now.
    private static InstanceDocument AtRest(MigrationDocument m, InstanceDocument i) => Task(
        i with { VmState = m.Saga.OldVmState, PowerState = PowerStateOf(m), MigrationUuid = null, Progress = 100, Fault = null, Work = i.Work is null ? null : i.Work with { Actor = i.Host } },
        null);

    // A server that was shut down when the user asked stays so: neither host starts it.
    private static PowerState PowerStateOf(MigrationDocument m) => m.Saga.OldVmState == VmStates.Stopped ? PowerState.Shutdown : PowerState.Running;
}
