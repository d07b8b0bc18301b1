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
internal sealed record AttachedDisk(string PlaceReference, VBD Place, string Reference, VDI Record);

/// <summary>Finding, stopping and destroying servers' VMs on one host.</summary>
internal sealed partial class ServerVms(XenServerHost host, ILogger<ServerVms> log)
{
    // The operations that would make a halted VM run. The value of the block says whose it is.
    private static readonly string[] StartingOperations = ["start", "start_on", "resume", "resume_on"];

    private const int MaxDestroys = 8;
    private static readonly TimeSpan DestroyPause = TimeSpan.FromMilliseconds(250);

    private readonly Session _session = host.Session;

    /// <summary>The server's own VM on this host, or null.</summary>
    public async Task<Found?> FindAsync(string instance, CancellationToken cancellation) =>
        await FindAllAsync(Marks.Instance, instance, cancellation) is [var vm, ..] ? vm : null;

    /// <summary>The server's own VM on this host.</summary>
    /// <exception cref="StepFailedException">There is none.</exception>
    public async Task<Found> GetAsync(string instance, CancellationToken cancellation) => await FindAsync(instance, cancellation) ?? throw Missing(instance);

    /// <summary>The VM that is the server to its user: the rescue VM where there is one, else its own; null without either.</summary>
    public async Task<Found?> FindInFrontAsync(string instance, CancellationToken cancellation) => (await FindInFrontAsync([instance], cancellation)).GetValueOrDefault(instance);

    /// <summary>The VMs that are servers to their users, by the servers' UUIDs, without those that have none on this host; in one question to the host, however many they are.</summary>
    public async Task<IReadOnlyDictionary<string, Found>> FindInFrontAsync(IReadOnlyCollection<string> instances, CancellationToken cancellation)
    {
        var here = (await HereAsync(cancellation)).ToList();
        var wanted = instances.ToHashSet();
        var found = new Dictionary<string, Found>();
        foreach (var mark in new[] { Marks.Rescue, Marks.Instance })
        {
            foreach (var vm in here)
            {
                if (vm.Record.other_config.TryGetValue(mark, out var instance) && wanted.Contains(instance))
                {
                    found.TryAdd(instance, vm);
                }
            }
        }

        return found;
    }

    /// <summary>The VM that is the server to its user: the rescue VM where there is one, else its own.</summary>
    /// <exception cref="StepFailedException">There is neither.</exception>
    public async Task<Found> GetInFrontAsync(string instance, CancellationToken cancellation) => await FindInFrontAsync(instance, cancellation) ?? throw Missing(instance);

    /// <summary>
    /// The VMs on this host (no snapshots, no templates) that carry a mark, in the order of their UUIDs: should two runs have made one each, both agree
    /// which of them counts.
    /// </summary>
    public async Task<IReadOnlyList<Found>> FindAllAsync(string mark, string value, CancellationToken cancellation) =>
        [.. (await HereAsync(cancellation)).Where(v => v.Is(mark, value))];

    /// <summary>The VM's disks, in the order of their places.</summary>
    public async Task<IReadOnlyList<AttachedDisk>> DisksAsync(VM vm, CancellationToken cancellation)
    {
        var disks = new List<AttachedDisk>();
        foreach (var reference in vm.VBDs)
        {
            var vbd = await VBD.get_record(_session, reference, cancellation);
            if (vbd is { type: "Disk", empty: false } && vbd.VDI != XenApiJson.Null)
            {
                disks.Add(new AttachedDisk(reference, vbd, vbd.VDI, await VDI.get_record(_session, vbd.VDI, cancellation)));
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

    /// <summary>Keeps a VM from being made to run, also by an operator. A block does nothing to a VM that runs.</summary>
    /// <param name="vm">The VM as it is now.</param>
    /// <param name="owner">The value of the block: who may take it away again.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async Task BlockStartAsync(Found vm, string owner, CancellationToken cancellation)
    {
        foreach (var operation in StartingOperations.Where(o => !vm.Record.blocked_operations.ContainsKey(o)))
        {
            try
            {
                await VM.add_to_blocked_operations(_session, vm.Reference, operation, owner, cancellation);
            }
            catch (Failure f) when (f.Code == Failure.MAP_DUPLICATE_KEY)
            {
                LogBlockedAlready(vm.Record.name_label, operation);
            }
        }
    }

    /// <summary>Takes an owner's blocks away, and nobody else's.</summary>
    public async Task UnblockAsync(Found vm, string owner, CancellationToken cancellation)
    {
        foreach (var (operation, _) in vm.Record.blocked_operations.Where(b => b.Value == owner))
        {
            await VM.remove_from_blocked_operations(_session, vm.Reference, operation, cancellation);
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

    /// <summary>Destroys a disk. Gone already: success. One that was being imported or exported is let go of only when XenServer notices that nobody sends or reads any more.</summary>
    public async Task DestroyDiskAsync(string disk, CancellationToken cancellation)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await VDI.destroy(_session, disk, cancellation);
                return;
            }
            catch (Failure f) when (f.Code == Failure.VDI_IN_USE && tries < MaxDestroys)
            {
                await Task.Delay(DestroyPause * tries, host.Time, cancellation);
            }
            catch (Failure f) when (f.IsGone)
            {
                LogGone(disk);
                return;
            }
        }
    }

    // In the order of their UUIDs.
    private async Task<IEnumerable<Found>> HereAsync(CancellationToken cancellation) =>
        (await VM.get_all_records(_session, cancellation))
            .Select(v => new Found(v.Key, v.Value))
            .Where(v => v.Record is { is_a_snapshot: false, is_a_template: false, is_control_domain: false })
            .Where(v => !v.Record.other_config.TryGetValue(Marks.Host, out var at) || at == host.Name)
            .OrderBy(v => v.Record.uuid, StringComparer.Ordinal);

    private StepFailedException Missing(string instance) => new($"The host {host.Name} has no VM of server {instance}.", StepRecovery.Unwind);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Vm} did not shut down in order: {Reason}")]
    private partial void LogNoCleanShutdown(string vm, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Destroyed {Vm} ({Uuid})")]
    private partial void LogDestroyed(string vm, string uuid);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Vm}: {Operation} is blocked already")]
    private partial void LogBlockedAlready(string vm, string operation);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Reference} was gone already")]
    private partial void LogGone(string reference);
}
