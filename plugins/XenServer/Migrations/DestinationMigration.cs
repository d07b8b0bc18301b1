using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.XenServer.Dom0;
using NovaShim.XenServer.Servers;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Migrations;

/// <summary>
/// A migration at its destination. The sub-steps of the finish, in order:
/// <code>
///  [1] close     the key goes from authorized_keys, and what still writes into the folder is ended: what is proven next must not change any more
///  [2] prove     every file is the source's: what was sent with the guest stopped is read again, of the rest it is enough that nobody has written to it since it was
///                compared, so that downtime does not grow with the disks. Noted, because [3] changes the files
///  [3] link      new names (VDI uuids of this host), each child to its parent, roots first. All in one folder: links are relative. Noted, because of [4]
///  [4] move      into the storage repository, leaves first: a base copy without a child is garbage there
///  [5] scan      until the repository knows the leaves; then they get their names and marks
///  [6] sweep     the folder goes: nothing is left of the copy, whatever happens from here on
///  [7] grow      the root disk, if the new flavor's is larger. Before the VM: a disk in use cannot grow
///  [8] build     VM, disks and interfaces, all marked
///  [9] start     once the source says that its VM is still stopped. Downtime ends. From here on nothing may undo the migration but its user. A server that was shut down stays so
/// </code>
/// Until [9] everything here can be thrown away: the source has lost nothing.
/// </summary>
internal sealed partial class DestinationMigration(XenServerHost host, ServerVms vms, MigrationStepContext step)
{
    private const long MiB = 1 << 20;
    private const long GiB = 1 << 30;

    // Room for what a moment's writing adds, and for the metadata of new images.
    private const long Reserve = 64 * MiB;

    private const int MaxScans = 8;
    private static readonly TimeSpan ScanPause = TimeSpan.FromMilliseconds(500);

    private readonly Session _session = host.Session;
    private readonly string _migration = MigrationId.Checked(step.Migration.Uuid);
    private readonly ArrivalFolder _folder = new(host.Dom0, host.Settings, step.Migration.Uuid);
    private readonly ILogger _log = host.Logs.CreateLogger<DestinationMigration>();

    /// <summary>Nova's <c>prep_resize</c>, the hypervisor's part: room, a folder, and a door that only the migration's key opens.</summary>
    public async Task<string> PrepareAsync(CancellationToken cancellation)
    {
        var source = MigrationJson.Read(step.SourceOffer, MigrationJson.Default.SourceOffer, "source_offer");
        var sr = await SR.get_record(_session, await host.SrAsync(cancellation), cancellation);
        var (free, arrived) = await _folder.MeasureAsync(cancellation);
        if (sr.physical_size > 0)
        {
            free = Math.Min(free, sr.physical_size - sr.physical_utilisation);
        }

        if (free + arrived < source.DiskBytes + Reserve)
        {
            throw new StepFailedException(
                $"The storage repository of {host.Name} has {free / MiB} MiB left; the disks of {step.Instance.Name} need {(source.DiskBytes + Reserve) / MiB} MiB.", StepRecovery.Reschedule);
        }

        var memory = await Host.compute_free_memory(_session, await host.ReferenceAsync(cancellation), cancellation);
        if (memory < step.Migration.NewFlavor.MemoryMb * MiB)
        {
            throw new StepFailedException(
                $"{host.Name} has {memory / MiB} MiB of memory left; flavor {step.Migration.NewFlavor.Name} needs {step.Migration.NewFlavor.MemoryMb} MiB.", StepRecovery.Reschedule);
        }

        cancellation.ThrowIfCancellationRequested();
        await _folder.OpenAsync(source.PublicKey, cancellation);
        var offer = new DestinationOffer(
            host.Settings.SshHost, host.Settings.SshPort, host.Settings.SshUser, SshSyntax.PublicKey(host.Settings.SshHostKey), Guid.NewGuid().ToString("N"));
        return JsonSerializer.Serialize(offer, MigrationJson.Default.DestinationOffer);
    }

    /// <summary>Nova's <c>finish_migration</c>: [1] to [9].</summary>
    public async Task FinishAsync(CancellationToken cancellation)
    {
        var disks = MigrationJson.Read(step.DiskInfo, MigrationJson.Default.DiskInfo, "disk_info");
        var digest = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(step.DiskInfo!)));
        var done = step.Checkpoint(MigrationJson.Default.FinishCheckpoint) is { } saved && saved.DiskInfo == digest ? saved : new FinishCheckpoint { DiskInfo = digest };

        // [1] Also when all is done: an earlier run may have died before it swept.
        await _folder.CloseAsync(cancellation);
        var vm = await FindAsync(cancellation);
        if (vm is null || !step.Migration.PowerOn || (vm.Record.power_state != PowerStates.Running && done.StartedAt is null))
        {
            vm = await BuildAsync(disks, done, cancellation);
            done = step.Checkpoint(MigrationJson.Default.FinishCheckpoint) ?? done;

            // [9]
            await SaveAsync(done, cancellation);
            if (await step.AskSourceAsync(cancellation) == PowerState.Running)
            {
                // What it has written since is not here, and two must not run.
                await RevertAsync(cancellation);
                throw new StepFailedException(
                    $"The VM of {step.Instance.Name} on {step.Migration.SourceCompute} was started by somebody although its disks had been taken away. It is stopped again, and copied again.", StepRecovery.CopyAgain);
            }

            if (!step.Migration.PowerOn)
            {
                LogBuilt(_migration, vm.Record.name_label, host.Name);
                return;
            }

            await vms.StartAsync(vm, StepRecovery.Unwind, cancellation);
        }

        var started = done.StartedAt ?? host.Now;
        step.Report(p => p with { StartedAt = p.StartedAt ?? started });
        LogStarted(_migration, vm.Record.name_label, host.Name);

        // The step is done: a note that cannot be saved is no reason to fail it.
        try
        {
            await SaveAsync(done with { StartedAt = started }, cancellation);
        }
        catch (Exception e) when (e is not (LeaseLostException or OperationCanceledException))
        {
            LogNoteLost(_migration, e);
        }
    }

    /// <summary>Whether the VM is here with every disk it came with, each of them readable down to its root.</summary>
    public async Task CheckAsync(CancellationToken cancellation)
    {
        var vm = await FindAsync(cancellation) ?? throw Missing($"the VM of {step.Instance.Name}");
        IReadOnlyList<AttachedDisk> attached;
        try
        {
            attached = await vms.DisksAsync(vm.Record, cancellation);
        }
        catch (Failure f) when (f.IsGone)
        {
            throw Missing($"a disk of {vm.Record.name_label}");
        }

        foreach (var disk in MigrationJson.Read(step.DiskInfo, MigrationJson.Default.DiskInfo, "disk_info").Disks)
        {
            var found = attached.FirstOrDefault(a => a.Place.userdevice == disk.Userdevice) ?? throw Missing($"disk {disk.Userdevice} of {vm.Record.name_label}");
            await host.Files.ChainAsync(found.Record.uuid, cancellation);
        }
    }

    /// <summary>Nova's <c>revert_resize</c>, the hypervisor's part: nothing of this migration is left here.</summary>
    public async Task RevertAsync(CancellationToken cancellation)
    {
        await _folder.CloseAsync(cancellation);
        foreach (var vm in await vms.FindAllAsync(Marks.Migration, _migration, cancellation))
        {
            await vms.StopAsync(vm, within: null, cancellation);
            await vms.DestroySnapshotsAsync(vm, snapshot => snapshot.other_config.GetValueOrDefault(Marks.Migration) == _migration, cancellation);
            await vms.DestroyAsync(vm, IsOurs, cancellation);
        }

        var derived = new HashSet<string>();
        if (step.DiskInfo is not null)
        {
            // Disks that were moved but not yet known, or not all of them: a chain is completed, then destroyed in the one way that the repository itself knows.
            var disks = MigrationJson.Read(step.DiskInfo, MigrationJson.Default.DiskInfo, "disk_info");
            derived = [.. disks.Files.Select(f => ArrivedDisks.NewUuid(_migration, f.Name))];
            var arrived = new ArrivedDisks(host, _migration, disks);
            if (await arrived.HasMovedAsync(cancellation))
            {
                await arrived.MoveAsync(cancellation);
                await ScanAsync([], cancellation);
            }
        }

        await vms.DestroyDisksAsync(disk => IsOurs(disk) || derived.Contains(disk.uuid), cancellation);
        await _folder.RemoveAsync(cancellation);
    }

    // [2] to [8]
    private async Task<Found> BuildAsync(DiskInfo disks, FinishCheckpoint done, CancellationToken cancellation)
    {
        var arrived = new ArrivedDisks(host, _migration, disks);
        if (!done.Proven)
        {
            await arrived.ProveAsync(cancellation);
            await SaveAsync(done = done with { Proven = true }, cancellation);
        }

        if (!done.Linked)
        {
            await arrived.LinkAsync(cancellation);
            await SaveAsync(done with { Linked = true }, cancellation);
        }

        // [4] [5]
        await arrived.MoveAsync(cancellation);
        var leaves = await ScanAsync([.. disks.Disks.Select(d => ArrivedDisks.NewUuid(_migration, d.Leaf.Name))], cancellation);
        for (var i = 0; i < leaves.Count; i++)
        {
            await MarkAsync(leaves[i], disks.Disks[i], cancellation);
        }

        // [6]
        await _folder.RemoveAsync(cancellation);

        // [7]
        if (disks.Disks.Select((disk, i) => (disk, i)).Where(d => d.disk.Bootable || d.disk.Userdevice == "0").Select(d => (int?)d.i).FirstOrDefault() is { } root)
        {
            await GrowAsync(leaves[root], cancellation);
        }

        // [8]
        var vm = await MakeVmAsync(disks, cancellation);
        await PlugAsync(vm, disks, leaves, cancellation);
        await new BlankDisks(host, vms, step.Instance).EnsureAsync(vm, step.Migration.NewFlavor, MarksOfOurs(), cancellation);
        return vm;
    }

    // [5] Scans that overlap are one: a scan that began before the files were moved may miss them.
    private async Task<IReadOnlyList<string>> ScanAsync(IReadOnlyList<string> wanted, CancellationToken cancellation)
    {
        var sr = await host.SrAsync(cancellation);
        for (var scans = 1; ; scans++)
        {
            try
            {
                await SR.scan(_session, sr, cancellation);
                var found = new List<string>();
                foreach (var uuid in wanted)
                {
                    found.Add(await VDI.get_by_uuid(_session, uuid, cancellation));
                }

                return found;
            }
            catch (Failure f) when (f.Code == Failure.SR_SCAN_FAILED || f.IsGone)
            {
                if (scans == MaxScans)
                {
                    throw new StepFailedException($"The storage repository of {host.Name} does not find the disks that were moved into it: {f.Message}", StepRecovery.Retry, f);
                }

                await Task.Delay(ScanPause * scans, host.Time, cancellation);
            }
        }
    }

    private async Task MarkAsync(string vdi, MigratedDisk disk, CancellationToken cancellation)
    {
        var record = await VDI.get_record(_session, vdi, cancellation);
        await VDI.set_name_label(_session, vdi, VmRecords.DiskName(step.Instance, disk.Userdevice), cancellation);
        foreach (var (key, value) in MarksOfOurs().Where(m => record.other_config.GetValueOrDefault(m.Key) != m.Value))
        {
            await VDI.remove_from_other_config(_session, vdi, key, cancellation);
            await VDI.add_to_other_config(_session, vdi, key, value, cancellation);
        }
    }

    // Never smaller: what is beyond the new flavor's size may hold data.
    private async Task GrowAsync(string vdi, CancellationToken cancellation)
    {
        var size = (await VDI.get_record(_session, vdi, cancellation)).virtual_size;
        var wanted = step.Migration.NewFlavor.RootGb * GiB;
        if (wanted > size)
        {
            await VDI.resize(_session, vdi, wanted, cancellation);
        }
    }

    private async Task<Found> MakeVmAsync(DiskInfo disks, CancellationToken cancellation)
    {
        if (await FindAsync(cancellation) is null)
        {
            await SaveAsync(step.Checkpoint(MigrationJson.Default.FinishCheckpoint) ?? new FinishCheckpoint(), cancellation);
            await VM.create(_session, VmRecords.Vm(step.Instance, step.Migration.NewFlavor, disks.Hardware, [.. MarksOfOurs(), KeyValuePair.Create(Marks.Host, host.Name), .. Kept(disks)]), cancellation);
        }

        // Looked for again even after making it: of two that two runs made at once, both take the same, and the other goes.
        var made = await vms.FindAllAsync(Marks.Migration, _migration, cancellation);
        foreach (var surplus in made.Skip(1).Where(v => v.Record.power_state == PowerStates.Halted))
        {
            await vms.DestroyAsync(surplus, _ => false, cancellation);
        }

        return made[0];
    }

    private async Task PlugAsync(Found vm, DiskInfo disks, IReadOnlyList<string> leaves, CancellationToken cancellation)
    {
        var places = (await vms.DisksAsync(vm.Record, cancellation)).Select(d => d.Place.userdevice).ToHashSet();
        for (var i = 0; i < leaves.Count; i++)
        {
            var disk = disks.Disks[i];
            if (!places.Contains(disk.Userdevice))
            {
                await OnceAsync(() => VBD.create(_session, VmRecords.Vbd(vm.Reference, leaves[i], disk.Userdevice, disk.Bootable, disk.ReadOnly), cancellation));
            }
        }

        var devices = new HashSet<string>();
        foreach (var vif in vm.Record.VIFs)
        {
            devices.Add((await VIF.get_record(_session, vif, cancellation)).device);
        }

        var networks = await Network.get_all_records(_session, cancellation);
        foreach (var vif in disks.Interfaces.Where(i => !devices.Contains(i.Device)))
        {
            var network = networks.FirstOrDefault(n => n.Value.bridge == vif.Bridge && vif.Bridge.Length > 0).Key
                ?? networks.FirstOrDefault(n => n.Value.name_label == vif.Network && vif.Network.Length > 0).Key
                ?? networks.FirstOrDefault(n => n.Value.bridge == host.Settings.NetworkBridge).Key;
            if (network is null)
            {
                throw new StepFailedException(
                    $"{host.Name} has no network on bridge {vif.Bridge} or {host.Settings.NetworkBridge} (network_bridge), nor one named '{vif.Network}', for the server's interface {vif.Device}.", StepRecovery.Unwind);
            }

            await OnceAsync(() => VIF.create(_session, VmRecords.Vif(vm.Reference, network, vif.Device, vif.Mac, vif.Mtu), cancellation));
        }
    }

    private StepFailedException Missing(string what) => new(
        $"The resize is not confirmed: {what} is gone from {host.Name}, and what {step.Migration.SourceCompute} has kept may be all that is left. Revert the resize, or delete the server.", StepRecovery.Unwind);

    private static async Task OnceAsync(Func<Task> create)
    {
        try
        {
            await create();
        }
        catch (Failure f) when (f.Code == Failure.DEVICE_ALREADY_EXISTS)
        {
            // Another run's: the place is taken by what belongs there.
            _ = f;
        }
    }

    private async Task<Found?> FindAsync(CancellationToken cancellation) => await vms.FindAllAsync(Marks.Migration, _migration, cancellation) is [var vm, ..] ? vm : null;

    private KeyValuePair<string, string>[] MarksOfOurs() =>
        [KeyValuePair.Create(Marks.Instance, step.Instance.Uuid), KeyValuePair.Create(Marks.Migration, _migration)];

    private static IEnumerable<KeyValuePair<string, string>> Kept(DiskInfo disks) => disks.UseAgent is { } said ? [KeyValuePair.Create(Marks.UseAgent, said)] : [];

    private bool IsOurs(VDI disk) => disk.other_config.GetValueOrDefault(Marks.Migration) == _migration;

    // Saving finds out whether the step is still this process's.
    private Task SaveAsync(FinishCheckpoint checkpoint, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return step.SaveCheckpointAsync(checkpoint, MigrationJson.Default.FinishCheckpoint, cancellation);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Migration {Migration}: {Vm} runs on {Host}")]
    private partial void LogStarted(string migration, string vm, string host);

    [LoggerMessage(Level = LogLevel.Information, Message = "Migration {Migration}: {Vm} is on {Host}, shut down as it was")]
    private partial void LogBuilt(string migration, string vm, string host);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Migration {Migration}: could not note that the VM has started")]
    private partial void LogNoteLost(string migration, Exception e);
}
