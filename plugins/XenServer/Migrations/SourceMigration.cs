using System.Text.Json;
using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.XenServer.Dom0;
using NovaShim.XenServer.Servers;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Migrations;

/// <summary>
/// A migration at its source. The sub-steps of the copy, in order:
/// <code>
///  [1] mark      the VM and its disks carry the migration's id: snapshots inherit it, and a confirm destroys nothing without it
///  [2] point     the migration's key knows the destination, and the one host key it may show
///  [3] snapshot  every leaf becomes a base copy that nobody writes to, and a new, empty leaf; the guest runs on
///  [4] send      base copies, root first; compare them with what arrived. While the guest has written much meanwhile, and less than before: [3] again.
///                All that takes long is over before the guest is touched
///  [5] block     note what state the VM was in; block its start. Before the stop, not after: so there is no moment at which it is stopped and could be started.
///                A block does nothing to a guest that runs
///  [6] stop      the guest shuts down, or is switched off. Downtime begins
///  [7] send      the leaves, which are whole only now, and whatever the storage repository has merged in the meantime; compare
///  [8] seal      digests of what was sent in [7]; the chains once more: they must be what was sent, to the last file
///  [9] note      the result is saved before the key, without which it cannot be repeated, is destroyed
/// </code>
/// A snapshot is kept until the end of the migration: while it is there, the base copy under the leaf has two children and is not merged into the leaf.
/// </summary>
internal sealed partial class SourceMigration(XenServerHost host, ServerVms vms, MigrationStepContext step)
{
    private const int MaxSeals = 5;

    private readonly Session _session = host.Session;
    private readonly string _migration = MigrationId.Checked(step.Migration.Uuid);
    private readonly ILogger _log = host.Logs.CreateLogger<SourceMigration>();

    private MigrationKey Key => new(host.Dom0, _migration);

    /// <summary>Nova has no word for it: the source gets ready to send.</summary>
    public async Task<string> PrepareAsync(CancellationToken cancellation)
    {
        var vm = await FindAsync(cancellation);
        var disks = await DisksAsync(vm, cancellation);
        var key = await Key.MakeAsync(cancellation);
        var offer = new SourceOffer(key, disks.SelectMany(d => d.Chain).DistinctBy(f => f.Name).Sum(f => f.Size));
        return JsonSerializer.Serialize(offer, MigrationJson.Default.SourceOffer);
    }

    /// <summary>Nova's <c>migrate_disk_and_power_off</c>: [1] to [9].</summary>
    public async Task<string> CopyAsync(CancellationToken cancellation)
    {
        var destination = MigrationJson.Read(step.DestinationOffer, MigrationJson.Default.DestinationOffer, "destination_offer");
        var checkpoint = step.Checkpoint(MigrationJson.Default.CopyCheckpoint) is { } saved && saved.Copy == destination.Copy
            ? saved
            : new CopyCheckpoint { Copy = destination.Copy, StoppedAt = step.Progress.StoppedAt };
        var vm = await FindAsync(cancellation);
        if (checkpoint.Result is { } result && await StillHoldsAsync(vm, result, cancellation))
        {
            await Key.RemoveAsync(cancellation);
            return JsonSerializer.Serialize(result, MigrationJson.Default.DiskInfo);
        }

        // [1]
        await MarkAsync(vm, cancellation);

        // [2]
        if (!await Key.PointAtAsync(destination.SshHost, destination.SshPort, destination.SshUser, destination.HostKey, host.Settings.CommandTimeout, cancellation))
        {
            throw new StepFailedException($"The key of the migration is gone from dom0 of {host.Name}: another one is made.", StepRecovery.CopyAgain);
        }

        var running = vm.Record.power_state == PowerStates.Running;
        var progress = new CopyProgress(step, host.Time, startedStopped: !running && checkpoint.StoppedAt is null);
        var note = new CopyNote(step, checkpoint);
        var rsync = new Rsync(host.Dom0, _migration, step.BandwidthLimit, note.AssertOursAsync, host.Settings, host.Time);
        var copy = new DiskCopy(host, rsync, step, progress, note, host.Logs.CreateLogger<DiskCopy>());
        if (running)
        {
            await CopyWhileRunningAsync(vm, copy, note, cancellation);
        }

        await BlockAsync(vm, note, cancellation);
        await StopAsync(vm, note, cancellation);
        var disks = await SealAsync(vm, copy, cancellation);

        // [9]
        await note.SaveAsync(c => c with { Result = disks }, cancellation);
        await Key.RemoveAsync(cancellation);
        return JsonSerializer.Serialize(disks, MigrationJson.Default.DiskInfo);
    }

    /// <summary>Nova's <c>confirm_migration</c>: destroys what the migration has taken away, and only that.</summary>
    public async Task ConfirmAsync(CancellationToken cancellation)
    {
        await Key.RemoveAsync(cancellation);
        foreach (var vm in await vms.FindAllAsync(Marks.Leaving, _migration, cancellation))
        {
            await vms.StopAsync(vm, within: null, cancellation);
            await vms.DestroySnapshotsAsync(vm, snapshot => snapshot.other_config.GetValueOrDefault(Marks.Instance) == step.Instance.Uuid, cancellation);
            await vms.DestroyAsync(vm, IsLeaving, cancellation);
        }

        // Disks of a run that was cut off, and of snapshots whose VM is gone.
        await vms.DestroyDisksAsync(disk => IsLeaving(disk) || IsImageSnapshot(disk), cancellation);
    }

    /// <summary>Nova's <c>finish_revert_migration</c>: the VM is as it was before the migration.</summary>
    public async Task RevertAsync(CancellationToken cancellation)
    {
        // First of all, whatever still copies is ended: it must not find the disks changing under it.
        await Key.RemoveAsync(cancellation);
        if (await vms.FindAsync(step.Instance.Uuid, cancellation) is not { } vm)
        {
            return;
        }

        // The guest's downtime ends with its start; tidying comes after it.
        await vms.UnblockAsync(vm, Marks.Block(_migration), cancellation);
        if (vm.Is(Marks.StateBefore, StateBefore(PowerStates.Running)) && await vms.StateAsync(vm.Reference, cancellation) == PowerStates.Halted)
        {
            await vms.StartAsync(vm, StepRecovery.Retry, cancellation);
            LogStartedAgain(_migration, vm.Record.name_label);
        }

        await vms.DestroySnapshotsAsync(vm, IsOurs, cancellation);
        foreach (var disk in await vms.DisksAsync(vm.Record, cancellation))
        {
            if (IsLeaving(disk.Record))
            {
                await VDI.remove_from_other_config(_session, disk.Reference, Marks.Leaving, cancellation);
            }
        }

        // Last: as long as these are there, a run that is cut off is taken up again where it was.
        if (vm.Record.other_config.GetValueOrDefault(Marks.StateBefore)?.StartsWith(_migration, StringComparison.Ordinal) == true)
        {
            await VM.remove_from_other_config(_session, vm.Reference, Marks.StateBefore, cancellation);
        }

        if (vm.Is(Marks.Leaving, _migration))
        {
            await VM.remove_from_other_config(_session, vm.Reference, Marks.Leaving, cancellation);
        }
    }

    // [1]
    private async Task MarkAsync(Found vm, CancellationToken cancellation)
    {
        await SetAsync(vm.Record.other_config, Marks.Leaving, _migration, VM.remove_from_other_config, VM.add_to_other_config, vm.Reference, cancellation);
        foreach (var disk in await vms.DisksAsync(vm.Record, cancellation))
        {
            await SetAsync(disk.Record.other_config, Marks.Leaving, _migration, VDI.remove_from_other_config, VDI.add_to_other_config, disk.Reference, cancellation);
        }
    }

    // [3] [4]
    private async Task CopyWhileRunningAsync(Found vm, DiskCopy copy, CopyNote note, CancellationToken cancellation)
    {
        var round = (await vms.SnapshotsAsync(vm.Reference, cancellation)).Count(s => IsOurs(s.Record));
        var before = long.MaxValue;
        do
        {
            if (round == 0 || before < long.MaxValue)
            {
                await note.AssertOursAsync(cancellation);
                await VM.snapshot(_session, vm.Reference, Marks.SnapshotPrefix(_migration) + ++round, cancellation);
            }

            var sent = await copy.SendAsync(ct => DisksAsync(vm, ct), round == 1 ? "base" : $"delta {round - 1}", stopped: false, cancellation);
            var unsent = sent.Sum(d => d.Leaf.Size);
            LogRound(_migration, round, unsent);
            if (unsent <= host.Settings.CopyThresholdBytes || unsent >= before)
            {
                return;
            }

            before = unsent;
        }
        while (round < host.Settings.CopyRounds);
    }

    // [5]
    private async Task BlockAsync(Found vm, CopyNote note, CancellationToken cancellation)
    {
        await note.AssertOursAsync(cancellation);
        var now = await VM.get_record(_session, vm.Reference, cancellation);
        if (now.other_config.GetValueOrDefault(Marks.StateBefore)?.StartsWith(_migration, StringComparison.Ordinal) != true)
        {
            await SetAsync(
                now.other_config, Marks.StateBefore, StateBefore(now.power_state), VM.remove_from_other_config, VM.add_to_other_config, vm.Reference, cancellation);
        }

        await vms.BlockStartAsync(vm with { Record = now }, Marks.Block(_migration), cancellation);
    }

    // [6]
    private async Task StopAsync(Found vm, CopyNote note, CancellationToken cancellation)
    {
        if (await vms.StateAsync(vm.Reference, cancellation) == PowerStates.Running)
        {
            var stopped = host.Now;
            step.Report(p => p with { StoppedAt = stopped });
            await note.SaveAsync(c => c with { StoppedAt = stopped }, cancellation);
        }

        await vms.StopAsync(vm, host.Settings.ShutdownTimeout, cancellation);
        LogStopped(_migration, vm.Record.name_label);
    }

    // [7] [8]
    private async Task<DiskInfo> SealAsync(Found vm, DiskCopy copy, CancellationToken cancellation)
    {
        for (var tries = 0; tries < MaxSeals; tries++)
        {
            var sent = await copy.SendAsync(ct => DisksAsync(vm, ct), "last delta", stopped: true, cancellation);
            var files = await copy.SealAsync(sent, cancellation);
            await copy.RemoveStaleAsync(sent, cancellation);

            var record = await VM.get_record(_session, vm.Reference, cancellation);
            if (record.power_state != PowerStates.Halted)
            {
                throw new StepFailedException($"The VM {record.name_label} on {host.Name} was started by somebody while its disks were being moved. It will be stopped and its disks sent again.");
            }

            var disks = await DisksAsync(vm, cancellation);
            if (copy.IsComplete(disks) && disks.SelectMany(d => d.Chain).All(f => files.ContainsKey(f.Name)))
            {
                return new DiskInfo(
                    [.. disks.Select(d => new MigratedDisk(
                        d.Userdevice, d.Bootable, d.VirtualSize, [.. d.Chain.Select(f => files[f.Name])], d.ReadOnly))],
                    GuestHardware.Of(record), await InterfacesAsync(record, cancellation))
                {
                    UseAgent = record.other_config.GetValueOrDefault(Marks.UseAgent),
                };
            }
        }

        throw new StepFailedException($"The disks on {host.Name} kept changing after the guest had stopped: its storage repository is coalescing them.");
    }

    // A repeated run that has the result: is it still what the source has?
    private async Task<bool> StillHoldsAsync(Found vm, DiskInfo result, CancellationToken cancellation)
    {
        var leaves = result.Disks.Select(d => d.Leaf).ToDictionary(f => f.Name);
        return vm.Record.power_state == PowerStates.Halted
            && (await DisksAsync(vm, cancellation)).All(
                d => leaves.TryGetValue(d.Leaf.Name, out var sent) && sent.Size == d.Leaf.Size && sent.Modified == d.Leaf.Modified && sent.Uuid == d.Leaf.Uuid);
    }

    private async Task<Found> FindAsync(CancellationToken cancellation)
    {
        var vm = await vms.GetAsync(step.Instance.Uuid, cancellation);
        return vm.Record.power_state is PowerStates.Running or PowerStates.Halted
            ? vm
            : throw new StepFailedException($"The VM {vm.Record.name_label} on {host.Name} is {vm.Record.power_state}: only a running or a stopped server can be moved.", StepRecovery.Unwind);
    }

    private async Task<IReadOnlyList<SourceDisk>> DisksAsync(Found vm, CancellationToken cancellation)
    {
        var sr = await host.SrAsync(cancellation);
        var disks = new List<SourceDisk>();
        var record = await VM.get_record(_session, vm.Reference, cancellation);
        foreach (var disk in await vms.DisksAsync(record, cancellation))
        {
            if (disk.Record.SR != sr)
            {
                throw new StepFailedException(
                    $"Disk {disk.Place.userdevice} of {record.name_label} is not in the storage repository {host.Settings.SrUuid} of {host.Name}: it cannot be moved.", StepRecovery.Unwind);
            }

            disks.Add(new SourceDisk(
                disk.Place.userdevice, disk.Place.bootable, disk.Place.mode == VBD.ReadOnly, disk.Record.virtual_size, await host.Files.ChainAsync(disk.Record.uuid, cancellation)));
        }

        return disks.Count > 0 ? disks : throw new StepFailedException($"The VM {record.name_label} on {host.Name} has no disk.", StepRecovery.Unwind);
    }

    private async Task<IReadOnlyList<MigratedInterface>> InterfacesAsync(VM vm, CancellationToken cancellation)
    {
        var networks = await Network.get_all_records(_session, cancellation);
        var interfaces = new List<MigratedInterface>();
        foreach (var reference in vm.VIFs)
        {
            var vif = await VIF.get_record(_session, reference, cancellation);
            var network = networks.GetValueOrDefault(vif.network);
            interfaces.Add(new MigratedInterface(vif.device, vif.MAC, vif.MTU, network?.bridge ?? "", network?.name_label ?? ""));
        }

        return [.. interfaces.OrderBy(i => i.Device, StringComparer.Ordinal)];
    }

    // A map's entry is removed and added: XenAPI does not replace one.
    private async Task SetAsync(
        Dictionary<string, string> now, string key, string value, Func<Session, string, string, CancellationToken, Task> remove,
        Func<Session, string, string, string, CancellationToken, Task> add, string reference, CancellationToken cancellation)
    {
        if (now.GetValueOrDefault(key) == value)
        {
            return;
        }

        await remove(_session, reference, key, cancellation);
        try
        {
            await add(_session, reference, key, value, cancellation);
        }
        catch (Failure f) when (f.Code == Failure.MAP_DUPLICATE_KEY)
        {
            throw new StepFailedException($"Somebody else is writing {key} of {reference} on {host.Name}.", StepRecovery.Retry, f);
        }
    }

    private bool IsLeaving(VDI disk) => disk.other_config.GetValueOrDefault(Marks.Leaving) == _migration;

    // What is left here of making an image of the server that was given up.
    private bool IsImageSnapshot(VDI disk) =>
        disk.is_a_snapshot && disk.other_config.ContainsKey(Marks.Image) && disk.other_config.GetValueOrDefault(Marks.Instance) == step.Instance.Uuid;

    private bool IsOurs(VM snapshot) => snapshot.name_label.StartsWith(Marks.SnapshotPrefix(_migration), StringComparison.Ordinal);

    private string StateBefore(string state) => $"{_migration} {(state == PowerStates.Running ? "running" : "halted")}";

    [LoggerMessage(Level = LogLevel.Information, Message = "Migration {Migration}: round {Round} sent, {Bytes} bytes of disk written meanwhile")]
    private partial void LogRound(string migration, int round, long bytes);

    [LoggerMessage(Level = LogLevel.Information, Message = "Migration {Migration}: {Vm} is stopped and its start blocked")]
    private partial void LogStopped(string migration, string vm);

    [LoggerMessage(Level = LogLevel.Information, Message = "Migration {Migration}: {Vm} is started again")]
    private partial void LogStartedAgain(string migration, string vm);
}
