using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.XenServer.ConfigDrive;
using NovaShim.XenServer.Guests;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Servers;

/// <summary>Builds a server from its image: disk, image into the disk, VM, what else it has, start. What a run that was cut off has made is found by its marks.</summary>
internal sealed partial class ServerBuild(XenServerHost host, ServerVms vms, InstanceStepContext step)
{
    private const long DefaultMtu = 1500;

    private readonly Session _session = host.Session;
    private readonly ILogger _log = host.Logs.CreateLogger<ServerBuild>();

    private KeyValuePair<string, string>[] OwnMarks => [KeyValuePair.Create(Marks.Instance, step.Instance.Uuid)];

    /// <summary>Nova's <c>spawn</c>.</summary>
    public async Task SpawnAsync(CancellationToken cancellation)
    {
        var instance = step.Instance;
        var vm = await vms.FindAsync(instance.Uuid, cancellation);
        if (vm is null)
        {
            await MakeRootAsync(cancellation);
            cancellation.ThrowIfCancellationRequested();
            await VM.create(_session, VmRecords.Vm(instance, instance.Flavor, new GuestHardware(), [.. OwnMarks, KeyValuePair.Create(Marks.Host, host.Name)]), cancellation);
            var made = await vms.FindAllAsync(Marks.Instance, instance.Uuid, cancellation);
            foreach (var surplus in made.Skip(1).Where(v => v.Record.power_state == PowerStates.Halted))
            {
                await vms.DestroyAsync(surplus, _ => false, cancellation);
            }

            vm = made[0];
        }

        if (vm.Record.power_state == PowerStates.Halted)
        {
            await PlugAsync(vm, cancellation);
            cancellation.ThrowIfCancellationRequested();
            await vms.StartAsync(vm, StepRecovery.Reschedule, cancellation);
            LogStarted(instance.Name, host.Name);
        }

        await new GuestSetup(host, vms, step).RunAsync(vm.Reference, cancellation);
    }

    private Task<string> MakeRootAsync(CancellationToken cancellation)
    {
        var image = step.Image ?? throw new StepFailedException($"Server {step.Instance.Name} has no image to be built from.", StepRecovery.Unwind);
        return new ImageDisks(host, vms, step.Instance).EnsureAsync(
            image, VmRecords.DiskName(step.Instance, VmRecords.RootPlace), step.Instance.Flavor.RootGb, OwnMarks, disk => !disk.other_config.ContainsKey(Marks.Place), cancellation);
    }

    private async Task PlugAsync(Found vm, CancellationToken cancellation)
    {
        if ((await vms.DisksAsync(vm.Record, cancellation)).All(d => d.Place.userdevice != VmRecords.RootPlace))
        {
            var disk = await MakeRootAsync(cancellation);
            await VBD.create(_session, VmRecords.Vbd(vm.Reference, disk, VmRecords.RootPlace, bootable: true), cancellation);
        }

        await new BlankDisks(host, vms, step.Instance).EnsureAsync(vm, step.Instance.Flavor, OwnMarks, cancellation);
        if (!step.Instance.WithoutNetwork && vm.Record.VIFs.Count == 0 && await Network.get_all_records(_session, cancellation) is { Count: > 0 } networks)
        {
            var network = networks.OrderBy(n => n.Value.bridge != host.Settings.NetworkBridge).ThenBy(n => n.Value.bridge, StringComparer.Ordinal).First().Key;
            await VIF.create(_session, VmRecords.Vif(vm.Reference, network, "0", mac: "", DefaultMtu), cancellation);
        }

        var now = vm with { Record = await VM.get_record(_session, vm.Reference, cancellation) };
        await new ConfigDriveDisk(host, vms, step).EnsureAsync(now, step.Instance, OwnMarks, cancellation);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Server} runs on {Host}")]
    private partial void LogStarted(string server, string host);
}
