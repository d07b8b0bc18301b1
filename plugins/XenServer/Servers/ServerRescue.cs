using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.XenServer.ConfigDrive;
using NovaShim.XenServer.Guests;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Servers;

/// <summary>
/// Rescues a server, and ends that. The order, so that a run that is cut off anywhere is taken up again, and the server's own VM never runs beside the rescue VM:
/// <code>
///  [1] disk      from the image; a config drive of its own, if the server has one. All that takes long, and most that can fail, is over before the server is touched
///  [2] block     the start of the server's VM
///  [3] stop      it
///  [4] build     the rescue VM: its own disk first, the server's root disk second, interfaces with the server's addresses
///  [5] start     it
/// </code>
/// Unrescue goes the same way back; so does a rescue that fails, to where the server was.
/// </summary>
internal sealed partial class ServerRescue(XenServerHost host, ServerVms vms, InstanceStepContext step)
{
    private const string OwnRootPlace = "1";
    private const string Running = "running";
    private const string Halted = "halted";

    private readonly Session _session = host.Session;
    private readonly ILogger _log = host.Logs.CreateLogger<ServerRescue>();
    private readonly string _uuid = step.Instance.Uuid;

    private Instance StandIn => step.Instance with { Name = step.Instance.Name + "-rescue" };

    private KeyValuePair<string, string>[] OwnMarks => [KeyValuePair.Create(Marks.Rescue, _uuid)];

    // What an earlier rescue may have left has another password.
    private KeyValuePair<string, string>[] DriveMarks => [.. OwnMarks, KeyValuePair.Create(Marks.Request, step.RequestId)];

    /// <summary>Nova's <c>rescue</c>.</summary>
    public async Task RescueAsync(CancellationToken cancellation)
    {
        var server = await vms.GetAsync(_uuid, cancellation);
        if (server.Record.other_config.TryGetValue(Marks.Leaving, out var migration))
        {
            throw new StepFailedException($"Server {_uuid} cannot be rescued on {host.Name}: migration {migration} holds it.", StepRecovery.Unwind);
        }

        if (await FindAsync(cancellation) is { Record.power_state: PowerStates.Running } running)
        {
            await new GuestSetup(host, vms, step).RunAsync(running.Reference, cancellation);
            return;
        }

        try
        {
            await StandInAsync(server, cancellation);
            LogRescued(step.Instance.Name, host.Name);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            // Half a rescue is none. (Whoever has taken the step over goes on with it instead.)
            await GiveBackAsync(server.Reference, e, cancellation);
            throw;
        }

        if (await FindAsync(cancellation) is { } rescue)
        {
            await new GuestSetup(host, vms, step).RunAsync(rescue.Reference, cancellation);
        }
    }

    /// <summary>Nova's <c>unrescue</c>.</summary>
    public async Task UnrescueAsync(CancellationToken cancellation)
    {
        var server = await vms.GetAsync(_uuid, cancellation);

        // In order: what it has written to the server's disk must get there.
        await EndAsync(host.Settings.ShutdownTimeout, cancellation);
        await vms.UnblockAsync(server, Marks.RescueBlock(_uuid), cancellation);
        cancellation.ThrowIfCancellationRequested();
        await new ServerPower(host, vms, step.Instance).SeeRunningAsync(server, cancellation);
        await VM.remove_from_other_config(_session, server.Reference, Marks.StateBeforeRescue, cancellation);
        LogUnrescued(step.Instance.Name, host.Name);
    }

    /// <summary>Destroys the rescue VM and its own disks; the server's disks and VM stay as they are. Nothing there: success.</summary>
    /// <param name="within">How long its guest may take to shut down; null: it is switched off.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task EndAsync(TimeSpan? within, CancellationToken cancellation)
    {
        bool Own(VDI disk) => disk.other_config.GetValueOrDefault(Marks.Rescue) == _uuid;
        foreach (var vm in await vms.FindAllAsync(Marks.Rescue, _uuid, cancellation))
        {
            await vms.StopAsync(vm, within, cancellation);
            await vms.DestroyAsync(vm, Own, cancellation);
        }

        await vms.DestroyDisksAsync(Own, cancellation);
    }

    /// <summary>Ends a rescue for good: the server's VM, which is down, may be started again.</summary>
    public async Task ReleaseAsync(Found server, CancellationToken cancellation)
    {
        await EndAsync(within: null, cancellation);
        await vms.UnblockAsync(server, Marks.RescueBlock(_uuid), cancellation);
        await VM.remove_from_other_config(_session, server.Reference, Marks.StateBeforeRescue, cancellation);
    }

    // [1] to [5]
    private async Task StandInAsync(Found server, CancellationToken cancellation)
    {
        var image = step.Image ?? throw new StepFailedException($"There is no image to rescue server {_uuid} with.", StepRecovery.Unwind);
        var disk = await new ImageDisks(host, vms, StandIn).EnsureAsync(image, VmRecords.DiskName(StandIn, VmRecords.RootPlace), gib: 0, OwnMarks, d => !d.other_config.ContainsKey(Marks.Place), cancellation);
        var drive = new ConfigDriveDisk(host, vms, step);
        await drive.PrepareAsync(server.Record.VIFs, StandIn, DriveMarks, cancellation);

        // [2]
        cancellation.ThrowIfCancellationRequested();
        if (!server.Record.other_config.ContainsKey(Marks.StateBeforeRescue))
        {
            var before = server.Record.power_state == PowerStates.Halted ? Halted : Running;
            await VM.add_to_other_config(_session, server.Reference, Marks.StateBeforeRescue, before, cancellation);
        }

        await vms.BlockStartAsync(server, Marks.RescueBlock(_uuid), cancellation);

        // [3]
        cancellation.ThrowIfCancellationRequested();
        await vms.StopAsync(server, host.Settings.ShutdownTimeout, cancellation);

        // [4]
        cancellation.ThrowIfCancellationRequested();
        var rescue = await MakeVmAsync(server, cancellation);
        await PlugAsync(rescue, server, disk, cancellation);
        await drive.EnsureAsync(rescue with { Record = await VM.get_record(_session, rescue.Reference, cancellation) }, StandIn, DriveMarks, cancellation);

        // [5]
        cancellation.ThrowIfCancellationRequested();
        await vms.StartAsync(rescue, StepRecovery.Unwind, cancellation);
    }

    private async Task GiveBackAsync(string reference, Exception reason, CancellationToken cancellation)
    {
        LogGivenUp(step.Instance.Name, host.Name, reason.Message);
        try
        {
            var server = new Found(reference, await VM.get_record(_session, reference, cancellation));
            var ran = server.Is(Marks.StateBeforeRescue, Running);
            await EndAsync(within: null, cancellation);
            await vms.UnblockAsync(server, Marks.RescueBlock(_uuid), cancellation);
            if (ran)
            {
                await new ServerPower(host, vms, step.Instance).SeeRunningAsync(server, cancellation);
            }

            await VM.remove_from_other_config(_session, reference, Marks.StateBeforeRescue, cancellation);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            throw new StepFailedException(
                $"Server {_uuid} could not be rescued ({reason.Message}), nor given back what it had: {e.Message}", StepRecovery.Retry, e);
        }
    }

    private async Task<Found?> FindAsync(CancellationToken cancellation) => await vms.FindAllAsync(Marks.Rescue, _uuid, cancellation) is [var vm, ..] ? vm : null;

    private async Task<Found> MakeVmAsync(Found server, CancellationToken cancellation)
    {
        if (await FindAsync(cancellation) is null)
        {
            await VM.create(
                _session, VmRecords.Vm(StandIn, step.Instance.Flavor, GuestHardware.Of(server.Record), [.. OwnMarks, KeyValuePair.Create(Marks.Host, host.Name)]), cancellation);
        }

        var made = await vms.FindAllAsync(Marks.Rescue, _uuid, cancellation);
        foreach (var surplus in made.Skip(1).Where(v => v.Record.power_state == PowerStates.Halted))
        {
            await vms.DestroyAsync(surplus, _ => false, cancellation);
        }

        return made[0];
    }

    private async Task PlugAsync(Found rescue, Found server, string disk, CancellationToken cancellation)
    {
        var places = (await vms.DisksAsync(rescue.Record, cancellation)).Select(d => d.Place.userdevice).ToHashSet();
        if (!places.Contains(VmRecords.RootPlace))
        {
            await VBD.create(_session, VmRecords.Vbd(rescue.Reference, disk, VmRecords.RootPlace, bootable: true), cancellation);
        }

        var root = (await vms.DisksAsync(server.Record, cancellation)).FirstOrDefault(d => d.Place.userdevice == VmRecords.RootPlace);
        if (root is not null && !places.Contains(OwnRootPlace))
        {
            await VBD.create(_session, VmRecords.Vbd(rescue.Reference, root.Reference, OwnRootPlace, bootable: false), cancellation);
        }

        var devices = new HashSet<string>();
        foreach (var vif in rescue.Record.VIFs)
        {
            devices.Add((await VIF.get_record(_session, vif, cancellation)).device);
        }

        foreach (var reference in server.Record.VIFs)
        {
            var vif = await VIF.get_record(_session, reference, cancellation);
            if (!devices.Contains(vif.device))
            {
                await VIF.create(_session, VmRecords.Vif(rescue.Reference, vif.network, vif.device, vif.MAC, vif.MTU), cancellation);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Server} cannot be rescued on {Host}, and is given back what it had: {Reason}")]
    private partial void LogGivenUp(string server, string host, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Server} is rescued on {Host}")]
    private partial void LogRescued(string server, string host);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Server} runs on {Host} again, by itself")]
    private partial void LogUnrescued(string server, string host);
}
