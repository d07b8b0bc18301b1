using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.XenServer.ConfigDrive;
using NovaShim.XenServer.Guests;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Servers;

/// <summary>
/// Gives a server new disks from an image; its VM, and with that its addresses, stay. In order:
/// <code>
///  [1] disk      from the image, marked with the rebuild; a config drive, if it has one. The server runs on meanwhile, and nothing has happened to it should this fail
///  [2] stop      the server is switched off: what it would still write is lost anyway. A rescue of it ends
///  [3] unplug    the disks that this rebuild did not make
///  [4] plug      the new root and config drive; blank disks as the flavor says
///  [5] destroy   the server's disks that are in no VM: nothing is destroyed before what replaces it is there
///  [6] start
/// </code>
/// A second run of the same request finds its disks by their mark, wherever the first has ended.
/// </summary>
internal sealed partial class ServerRebuild(XenServerHost host, ServerVms vms, InstanceStepContext step)
{
    private readonly Session _session = host.Session;
    private readonly ILogger _log = host.Logs.CreateLogger<ServerRebuild>();
    private readonly string _uuid = step.Instance.Uuid;

    private KeyValuePair<string, string>[] OwnMarks => [KeyValuePair.Create(Marks.Instance, _uuid), KeyValuePair.Create(Marks.Rebuild, step.RequestId)];

    /// <summary>Nova's <c>rebuild</c>.</summary>
    public async Task RebuildAsync(CancellationToken cancellation)
    {
        if (await vms.FindAsync(_uuid, cancellation) is not { } vm)
        {
            // Nothing to keep: a build that failed, or a VM that somebody has destroyed.
            await vms.DestroyDisksAsync(disk => disk.other_config.GetValueOrDefault(Marks.Instance) == _uuid && disk.other_config.GetValueOrDefault(Marks.Importing) != step.Image?.Id, cancellation);
            await new ServerBuild(host, vms, step).SpawnAsync(cancellation);
            return;
        }

        if (vm.Record.other_config.TryGetValue(Marks.Leaving, out var migration))
        {
            throw new StepFailedException($"Server {_uuid} cannot be rebuilt on {host.Name}: migration {migration} holds it.", StepRecovery.Unwind);
        }

        // [1]
        var image = step.Image ?? throw new StepFailedException($"Server {step.Instance.Name} has no image to be rebuilt from.", StepRecovery.Unwind);
        var root = await new ImageDisks(host, vms, step.Instance).EnsureAsync(
            image, VmRecords.DiskName(step.Instance, VmRecords.RootPlace), step.Instance.Flavor.RootGb, OwnMarks, disk => !disk.other_config.ContainsKey(Marks.Place), cancellation);
        var drive = new ConfigDriveDisk(host, vms, step);
        await drive.PrepareAsync(vm.Record.VIFs, step.Instance, OwnMarks, cancellation);
        if (await IsDoneAsync(vm, cancellation))
        {
            await new GuestSetup(host, vms, step).RunAsync(vm.Reference, cancellation);
            return;
        }

        // [2]
        cancellation.ThrowIfCancellationRequested();
        await new ServerRescue(host, vms, step).ReleaseAsync(vm, cancellation);
        await vms.StopAsync(vm, within: null, cancellation);

        // [3]
        foreach (var disk in await vms.DisksAsync(vm.Record, cancellation))
        {
            if (!IsOurs(disk.Record))
            {
                cancellation.ThrowIfCancellationRequested();
                await VBD.destroy(_session, disk.PlaceReference, cancellation);
            }
        }

        // [4]
        var now = vm with { Record = await VM.get_record(_session, vm.Reference, cancellation) };
        if ((await vms.DisksAsync(now.Record, cancellation)).All(d => d.Place.userdevice != VmRecords.RootPlace))
        {
            await VBD.create(_session, VmRecords.Vbd(vm.Reference, root, VmRecords.RootPlace, bootable: true), cancellation);
        }

        await new BlankDisks(host, vms, step.Instance).EnsureAsync(now, step.Instance.Flavor, OwnMarks, cancellation);
        await drive.EnsureAsync(now, step.Instance, OwnMarks, cancellation);
        await VM.set_name_description(_session, vm.Reference, step.Instance.DisplayName, cancellation);

        // [5]
        cancellation.ThrowIfCancellationRequested();
        await vms.DestroyDisksAsync(disk => disk.other_config.GetValueOrDefault(Marks.Instance) == _uuid && !IsOurs(disk) && !disk.other_config.ContainsKey(Marks.Leaving), cancellation);

        // [6]
        cancellation.ThrowIfCancellationRequested();
        await vms.StartAsync(vm, StepRecovery.Retry, cancellation);
        LogRebuilt(step.Instance.Name, host.Name);
        await new GuestSetup(host, vms, step).RunAsync(vm.Reference, cancellation);
    }

    private bool IsOurs(VDI disk) => disk.other_config.GetValueOrDefault(Marks.Rebuild) == step.RequestId && !disk.is_a_snapshot;

    // It runs on what this rebuild has made: [6] is over.
    private async Task<bool> IsDoneAsync(Found vm, CancellationToken cancellation) =>
        vm.Record.power_state == PowerStates.Running && (await vms.DisksAsync(vm.Record, cancellation)) is { Count: > 0 } disks && disks.All(d => IsOurs(d.Record));

    [LoggerMessage(Level = LogLevel.Information, Message = "{Server} is rebuilt on {Host}")]
    private partial void LogRebuilt(string server, string host);
}
