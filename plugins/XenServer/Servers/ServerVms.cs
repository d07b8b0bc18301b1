using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Servers;

/// <summary>A VM with its reference.</summary>
internal sealed record Found(string Reference, VM Record)
{
    public bool Is(string mark, string value) => Record.other_config.TryGetValue(mark, out var found) && found == value;
}

/// <summary>A disk of a VM: where it is plugged in, and what it is.</summary>
internal sealed record AttachedDisk(VBD Place, string Reference, VDI Record);

/// <summary>Finding, stopping and destroying servers' VMs on one host.</summary>
internal sealed partial class ServerVms(XenServerHost host, ILogger<ServerVms> log)
{
    private readonly Session _session = host.Session;

    /// <summary>The server's VM on this host, or null.</summary>
    public async Task<Found?> FindAsync(string instance, CancellationToken cancellation) =>
        await FindAllAsync(Marks.Instance, instance, cancellation) is [var vm, ..] ? vm : null;

    /// <summary>
    /// The VMs on this host (no snapshots, no templates) that carry a mark, in the order of their UUIDs: should two runs have made one each, both agree
    /// which of them counts.
    /// </summary>
    public async Task<IReadOnlyList<Found>> FindAllAsync(string mark, string value, CancellationToken cancellation) =>
        [.. (await VM.get_all_records(_session, cancellation))
            .Select(v => new Found(v.Key, v.Value))
            .Where(v => v.Record is { is_a_snapshot: false, is_a_template: false, is_control_domain: false } && v.Is(mark, value))
            .Where(v => !v.Record.other_config.TryGetValue(Marks.Host, out var at) || at == host.Name)
            .OrderBy(v => v.Record.uuid, StringComparer.Ordinal)];

    /// <summary>The VM's disks, in the order of their places.</summary>
    public async Task<IReadOnlyList<AttachedDisk>> DisksAsync(VM vm, CancellationToken cancellation)
    {
        var disks = new List<AttachedDisk>();
        foreach (var reference in vm.VBDs)
        {
            var vbd = await VBD.get_record(_session, reference, cancellation);
            if (vbd is { type: "Disk", empty: false } && vbd.VDI != XenApiJson.Null)
            {
                disks.Add(new AttachedDisk(vbd, vbd.VDI, await VDI.get_record(_session, vbd.VDI, cancellation)));
            }
        }

        return [.. disks.OrderBy(d => d.Place.userdevice.Length).ThenBy(d => d.Place.userdevice, StringComparer.Ordinal)];
    }

    /// <summary>Stops a VM: orderly when <paramref name="within"/> is given and the guest obeys in that time, hard otherwise. Already stopped: success.</summary>
    public async Task StopAsync(Found vm, TimeSpan? within, CancellationToken cancellation)
    {
        var state = await StateAsync(vm.Reference, cancellation);
        if (state == PowerStates.Running && within is { } limit)
        {
            try
            {
                await VM.clean_shutdown(_session, vm.Reference, limit, cancellation);
            }
            catch (Exception e) when (e is Failure or TimeoutException)
            {
                LogNoCleanShutdown(vm.Record.name_label, e.Message);
            }

            state = await StateAsync(vm.Reference, cancellation);
        }

        if (state != PowerStates.Halted)
        {
            try
            {
                await VM.hard_shutdown(_session, vm.Reference, cancellation);
            }
            catch (Failure f) when (f.Code == Failure.VM_BAD_POWER_STATE)
            {
                // It went down by itself in between; the state decides.
                LogNoCleanShutdown(vm.Record.name_label, f.Message);
            }

            state = await StateAsync(vm.Reference, cancellation);
        }

        if (state != PowerStates.Halted)
        {
            throw new StepFailedException($"The VM {vm.Record.name_label} on {host.Name} does not stop: it is {state}.");
        }
    }

    /// <summary>Starts a VM on this host. Running already: success.</summary>
    /// <param name="vm">The VM.</param>
    /// <param name="outOfMemory">What is to be done when the host has no memory for it.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async Task StartAsync(Found vm, StepRecovery outOfMemory, CancellationToken cancellation)
    {
        try
        {
            await VM.start_on(_session, vm.Reference, await host.ReferenceAsync(cancellation), cancellation);
        }
        catch (Failure f) when (f.IsOutOfMemory)
        {
            throw new StepFailedException($"The host {host.Name} has not enough free memory to start {vm.Record.name_label}: {f.Message}", outOfMemory, f);
        }
        catch (Failure f) when (f.Code == Failure.VM_BAD_POWER_STATE)
        {
            if (await StateAsync(vm.Reference, cancellation) != PowerStates.Running)
            {
                throw;
            }
        }
    }

    /// <summary>The VM's power state now, one of <see cref="PowerStates"/>.</summary>
    public async Task<string> StateAsync(string vm, CancellationToken cancellation) => (await VM.get_record(_session, vm, cancellation)).power_state;

    /// <summary>
    /// Destroys a stopped VM or snapshot with its disks that <paramref name="ours"/> accepts. Disks first: what is cut off half-way is found again by its VM.
    /// </summary>
    public async Task DestroyAsync(Found vm, Func<VDI, bool> ours, CancellationToken cancellation)
    {
        foreach (var disk in await DisksAsync(vm.Record, cancellation))
        {
            if (ours(disk.Record))
            {
                await DestroyDiskAsync(disk.Reference, cancellation);
            }
        }

        try
        {
            await VM.destroy(_session, vm.Reference, cancellation);
            LogDestroyed(vm.Record.name_label, vm.Record.uuid);
        }
        catch (Failure f) when (f.IsGone)
        {
            // Another run was faster.
            LogGone(vm.Record.uuid);
        }
    }

    /// <summary>Destroys the VM's snapshots that <paramref name="which"/> accepts, with their disks.</summary>
    public async Task DestroySnapshotsAsync(Found vm, Func<VM, bool> which, CancellationToken cancellation)
    {
        foreach (var snapshot in await SnapshotsAsync(vm.Reference, cancellation))
        {
            if (which(snapshot.Record))
            {
                await DestroyAsync(snapshot, disk => disk.is_a_snapshot, cancellation);
            }
        }
    }

    /// <summary>The VM's snapshots.</summary>
    public async Task<IReadOnlyList<Found>> SnapshotsAsync(string vm, CancellationToken cancellation) =>
        [.. (await VM.get_all_records(_session, cancellation)).Where(v => v.Value.is_a_snapshot && v.Value.snapshot_of == vm).Select(v => new Found(v.Key, v.Value))];

    /// <summary>Destroys every disk of the host's storage repository that is somebody's (no base copies) and that <paramref name="which"/> accepts.</summary>
    public async Task DestroyDisksAsync(Func<VDI, bool> which, CancellationToken cancellation)
    {
        var sr = await host.SrAsync(cancellation);
        foreach (var (reference, disk) in await VDI.get_all_records(_session, cancellation))
        {
            if (disk.managed && disk.SR == sr && which(disk))
            {
                await DestroyDiskAsync(reference, cancellation);
            }
        }
    }

    private async Task DestroyDiskAsync(string disk, CancellationToken cancellation)
    {
        try
        {
            await VDI.destroy(_session, disk, cancellation);
        }
        catch (Failure f) when (f.IsGone)
        {
            LogGone(disk);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Vm} did not shut down in order: {Reason}")]
    private partial void LogNoCleanShutdown(string vm, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Destroyed {Vm} ({Uuid})")]
    private partial void LogDestroyed(string vm, string uuid);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Reference} was gone already")]
    private partial void LogGone(string reference);
}
