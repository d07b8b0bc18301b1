using System.Globalization;
using NovaShim.Sdk;
using NovaShim.XenServer.Servers;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.ConfigDrive;

/// <summary>
/// The disk that tells a guest who it is (Nova's config drive): made before the VM starts, read-only, at the place where Nova's XenAPI driver has it, between swap and the ephemeral disks. XenServer shows a read-only disk to
/// the drivers of the guest only, and to no BIOS; it may not be plugged into a running HVM guest, but be there when one starts.
/// </summary>
internal sealed class ConfigDriveDisk(XenServerHost host, ServerVms vms, InstanceStepContext step)
{
    /// <summary>Its place in the VM.</summary>
    public const string Place = "3";

    // What cloud-init and others look for; also what stands for an image's id while the disk is being filled.
    private const string Label = "config-2";

    private readonly Session _session = host.Session;

    // By the server's user, or the host's configuration.
    private bool IsWanted => step.Instance.ConfigDrive || host.Settings.ForceConfigDrive;

    /// <summary>Makes the disk, whole, where one is wanted and an earlier run has not; it is in no VM yet.</summary>
    /// <param name="vifs">References of the interfaces of the guest it is for.</param>
    /// <param name="name">The server by the name that the disk is to get.</param>
    /// <param name="marks">What a disk made here carries, beside its place: an earlier run's is known by them.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task PrepareAsync(IEnumerable<string> vifs, Instance name, IReadOnlyCollection<KeyValuePair<string, string>> marks, CancellationToken cancellation)
    {
        if (IsWanted)
        {
            await MakeAsync(vifs, name, marks, cancellation);
        }
    }

    /// <summary>Sees to it that a halted VM has its config drive, where one is wanted. One that was made here without all of the marks is an earlier request's, and goes; whatever else is in its place stays.</summary>
    /// <param name="vm">The VM as it is now, with its interfaces.</param>
    /// <param name="name">As in <see cref="PrepareAsync"/>.</param>
    /// <param name="marks">As in <see cref="PrepareAsync"/>.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task EnsureAsync(Found vm, Instance name, IReadOnlyCollection<KeyValuePair<string, string>> marks, CancellationToken cancellation)
    {
        if (!IsWanted)
        {
            return;
        }

        var present = (await vms.DisksAsync(vm.Record, cancellation)).FirstOrDefault(d => d.Place.userdevice == Place);
        if (present is { Record.other_config: var found } && found.GetValueOrDefault(Marks.Place) == Place && marks.Any(m => found.GetValueOrDefault(m.Key) != m.Value))
        {
            cancellation.ThrowIfCancellationRequested();
            await vms.DestroyDiskAsync(present.Reference, cancellation);
            present = null;
        }

        if (present is null)
        {
            var disk = await MakeAsync(vm.Record.VIFs, name, marks, cancellation);
            cancellation.ThrowIfCancellationRequested();
            await VBD.create(_session, VmRecords.Vbd(vm.Reference, disk, Place, bootable: false, readOnly: true), cancellation);
        }
    }

    private async Task<string> MakeAsync(IEnumerable<string> vifs, Instance name, IReadOnlyCollection<KeyValuePair<string, string>> marks, CancellationToken cancellation)
    {
        var image = IsoImage.Write(Label, new GuestConfiguration(step, await InterfacesAsync(vifs, cancellation)).Files(), host.Now);
        return await new ImageDisks(host, vms, name).EnsureAsync(
            new Image { Id = Label, Name = Label, DiskFormat = "raw", Size = image.Length, OpenRead = _ => Task.FromResult<Stream>(new MemoryStream(image, writable: false)) },
            VmRecords.DiskName(name, Place), gib: 0, [.. marks, KeyValuePair.Create(Marks.Place, Place)], _ => true, cancellation);
    }

    private async Task<IReadOnlyList<GuestInterface>> InterfacesAsync(IEnumerable<string> references, CancellationToken cancellation)
    {
        var networks = await Network.get_all_records(_session, cancellation);
        var interfaces = new List<GuestInterface>();
        foreach (var reference in references)
        {
            var vif = await VIF.get_record(_session, reference, cancellation);
            interfaces.Add(new GuestInterface(vif.device, vif.uuid, vif.MAC, vif.MTU, networks.GetValueOrDefault(vif.network)?.uuid ?? ""));
        }

        return [.. interfaces.OrderBy(i => int.Parse(i.Device, CultureInfo.InvariantCulture))];
    }
}
