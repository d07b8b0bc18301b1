using System.Buffers.Binary;
using System.Globalization;
using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.Vhd;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Servers;

/// <summary>Builds a server from its image: disk, image into the disk, VM, start. What a run that was cut off has made is found by its marks.</summary>
internal sealed partial class ServerBuild(XenServerHost host, ServerVms vms, InstanceStepContext step)
{
    private const long GiB = 1 << 30;
    private const long DiskUnit = 2 << 20;
    private const string RootDevice = "0";
    private const long DefaultMtu = 1500;
    private const int MaxDestroys = 8;
    private static readonly TimeSpan DestroyPause = TimeSpan.FromMilliseconds(250);

    private readonly Session _session = host.Session;
    private readonly ILogger _log = host.Logs.CreateLogger<ServerBuild>();

    /// <summary>Nova's <c>spawn</c>.</summary>
    public async Task SpawnAsync(CancellationToken cancellation)
    {
        var instance = step.Instance;
        var vm = await vms.FindAsync(instance.Uuid, cancellation);
        if (vm is null)
        {
            var image = step.Image ?? throw new StepFailedException($"Server {instance.Name} has no image to be built from.", StepRecovery.Unwind);
            await MakeDiskAsync(image, cancellation);
            cancellation.ThrowIfCancellationRequested();
            await VM.create(_session, VmRecords.Vm(instance, instance.Flavor, new GuestHardware(), [Mark, KeyValuePair.Create(Marks.Host, host.Name)]), cancellation);
            var made = await vms.FindAllAsync(Marks.Instance, instance.Uuid, cancellation);
            foreach (var surplus in made.Skip(1).Where(v => v.Record.power_state == PowerStates.Halted))
            {
                await vms.DestroyAsync(surplus, _ => false, cancellation);
            }

            vm = made[0];
        }

        if (vm.Record.power_state != PowerStates.Halted)
        {
            return;
        }

        await PlugAsync(vm, cancellation);
        cancellation.ThrowIfCancellationRequested();
        await vms.StartAsync(vm, StepRecovery.Reschedule, cancellation);
        LogStarted(instance.Name, host.Name);
    }

    private KeyValuePair<string, string> Mark => KeyValuePair.Create(Marks.Instance, step.Instance.Uuid);

    private async Task<string> MakeDiskAsync(Image image, CancellationToken cancellation)
    {
        foreach (var (reference, disk) in await OwnDisksAsync(cancellation))
        {
            if (!disk.other_config.ContainsKey(Marks.Importing))
            {
                return reference;
            }

            // Half an image: there is no telling which half.
            LogHalfImage(step.Instance.Name, disk.uuid);
            await DestroyHalfAsync(reference, cancellation);
        }

        var size = await SizeAsync(image, cancellation);
        var vdi = await VDI.create(
            _session,
            VmRecords.Vdi(
                VmRecords.DiskName(step.Instance, RootDevice), await host.SrAsync(cancellation), size, "system",
                [Mark, KeyValuePair.Create(Marks.Importing, image.Id)]),
            cancellation);

        var task = await XenTask.create(_session, "novashim image import", image.Id, cancellation);
        try
        {
            await _session.PutAsync(
                $"/import_raw_vdi?vdi={Uri.EscapeDataString(vdi)}&format={image.DiskFormat}&task_id={Uri.EscapeDataString(task)}",
                image.OpenRead, image.Size, host.Settings.TransferTimeout, cancellation);
        }
        catch
        {
            // The disk stays attached for as long as XenServer waits for the rest.
            await XenTask.AbandonAsync(_session, task);
            throw;
        }

        await XenTask.WaitAsync(_session, task, "import_raw_vdi", host.Settings.TaskTimeout, progress: null, cancellation);
        await VDI.remove_from_other_config(_session, vdi, Marks.Importing, cancellation);
        return vdi;
    }

    // XenServer lets go of the disk when it notices that nobody sends any more.
    private async Task DestroyHalfAsync(string disk, CancellationToken cancellation)
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
                return;
            }
        }
    }

    private async Task<IReadOnlyList<KeyValuePair<string, VDI>>> OwnDisksAsync(CancellationToken cancellation)
    {
        var sr = await host.SrAsync(cancellation);
        return [.. (await VDI.get_all_records(_session, cancellation)).Where(d =>
            d.Value is { managed: true, is_a_snapshot: false } && d.Value.SR == sr && d.Value.other_config.GetValueOrDefault(Marks.Instance) == step.Instance.Uuid)];
    }

    private async Task PlugAsync(Found vm, CancellationToken cancellation)
    {
        if ((await vms.DisksAsync(vm.Record, cancellation)).All(d => d.Place.userdevice != RootDevice))
        {
            var disk = (await OwnDisksAsync(cancellation)).FirstOrDefault(d => !d.Value.other_config.ContainsKey(Marks.Importing)).Key
                ?? throw new StepFailedException($"The disk of {step.Instance.Name} on {host.Name} is gone.", StepRecovery.Unwind);
            await VBD.create(_session, VmRecords.Vbd(vm.Reference, disk, RootDevice, bootable: true), cancellation);
        }

        if (!step.Instance.WithoutNetwork && vm.Record.VIFs.Count == 0 && await Network.get_all_records(_session, cancellation) is { Count: > 0 } networks)
        {
            var network = networks.OrderBy(n => n.Value.bridge != host.Settings.NetworkBridge).ThenBy(n => n.Value.bridge, StringComparer.Ordinal).First().Key;
            await VIF.create(_session, VmRecords.Vif(vm.Reference, network, "0", mac: "", DefaultMtu), cancellation);
        }
    }

    // As large as the flavor says, and never smaller than the image.
    private async Task<long> SizeAsync(Image image, CancellationToken cancellation)
    {
        var size = image.DiskFormat switch
        {
            "raw" => image.Size,
            "vhd" => await VhdSizeAsync(image, cancellation),
            _ => throw new StepFailedException($"Image {image.Id} is of format {image.DiskFormat}; XenServer takes vhd and raw.", StepRecovery.Unwind),
        };
        var flavor = step.Instance.Flavor;
        if (flavor.RootGb > 0 && size > flavor.RootGb * GiB)
        {
            throw new StepFailedException(
                string.Create(CultureInfo.InvariantCulture, $"Image {image.Id} holds a disk of {size} bytes; flavor {flavor.Name} has room for {flavor.RootGb} GiB."), StepRecovery.Unwind);
        }

        size = Math.Max(size, flavor.RootGb * GiB);
        return (size + DiskUnit - 1) / DiskUnit * DiskUnit;
    }

    private static async Task<long> VhdSizeAsync(Image image, CancellationToken cancellation)
    {
        var head = new byte[VhdLayout.FooterSize];
        await using var stream = await image.OpenRead(cancellation);
        if (await stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellation) == head.Length)
        {
            if (VhdFooter.TryParse(head, out _) is { } footer)
            {
                return footer.Type != VhdType.Differencing
                    ? footer.CurrentSize
                    : throw new StepFailedException($"Image {image.Id} is a differencing VHD: it needs a parent that it came without.", StepRecovery.Unwind);
            }

            // A fixed image has its footer at its end only, after nothing but the disk.
            if (image.Size > head.Length && image.Size % VhdLayout.Sector == 0 && BinaryPrimitives.ReadUInt64BigEndian(head) != 0x636F6E6563746978)
            {
                return image.Size - head.Length;
            }
        }

        throw new StepFailedException($"Image {image.Id} is said to be a VHD, but is none.", StepRecovery.Unwind);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Server} runs on {Host}")]
    private partial void LogStarted(string server, string host);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Server}: the import of its image into disk {Disk} was cut off; it is made anew")]
    private partial void LogHalfImage(string server, string disk);
}
