using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Flavors;

namespace NovaShim.Api.Servers;

/// <summary>
/// What a create body says of block devices. There are no volumes: what may be said is what a server gets anyway — its image as its local disk, and the flavor's own ephemeral disk and swap.
/// </summary>
internal static class BlockDevices
{
    /// <summary>The image that a device of index 0 names as the disk to boot from; null when none does.</summary>
    public static string? ImageOf(BodyField server) =>
        server.Get("block_device_mapping_v2") is { IsEmpty: false } devices
            ? devices.Items().Where(d => IsImage(d) && IsFirst(d)).Select(d => d.Get("uuid")?.Id()).FirstOrDefault()
            : null;

    /// <summary>Throws a 400 that names the device which cannot be.</summary>
    public static void Check(BodyField server, string image, FlavorDocument flavor)
    {
        if (server.Get("block_device_mapping") is { IsEmpty: false } mapping)
        {
            foreach (var device in mapping.Items())
            {
                throw Volume(device.RequireObject());
            }
        }

        if (server.Get("block_device_mapping_v2") is { IsEmpty: false } devices)
        {
            foreach (var device in devices.Items())
            {
                CheckDevice(device.RequireObject(), image, flavor);
            }
        }
    }

    private static void CheckDevice(BodyField device, string image, FlavorDocument flavor)
    {
        var source = device.Get("source_type")?.Text() ?? "volume";
        if (source is not ("image" or "volume" or "snapshot" or "blank"))
        {
            throw device.Get("source_type")!.Value.Invalid("volume, image, snapshot or blank is expected");
        }

        if (device.Get("destination_type")?.Text() is not "local" || source is "volume" or "snapshot")
        {
            throw Volume(device);
        }

        if (source == "image")
        {
            if (device.Get("uuid")?.Id() is { } uuid && uuid != image || !IsFirst(device))
            {
                throw Fault.BadRequest($"Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid: {device.Name}");
            }

            return;
        }

        // A blank local disk is the flavor's own, as large as the flavor says.
        var isSwap = device.Get("guest_format")?.Text() == "swap";
        var most = isSwap ? flavor.Swap : flavor.EphemeralGb;
        if (most == 0 || (device.Get("volume_size") is { } size && size.Integer() != most))
        {
            throw Fault.BadRequest(isSwap
                ? $"Swap drive requested is larger than instance type allows: {device.Name}"
                : $"Ephemeral disks requested are larger than the instance type allows: {device.Name}");
        }
    }

    private static bool IsImage(BodyField device) => device.IsObject && device.Get("source_type")?.Text() == "image" && device.Get("destination_type")?.Text() == "local";

    private static bool IsFirst(BodyField device) => device.Get("boot_index") is { } index && index.Integer() == 0;

    private static FaultException Volume(BodyField device)
    {
        var source = device.Get("source_type")?.Text() ?? (device.Get("snapshot_id") is null ? "volume" : "snapshot");
        var id = device.Get("uuid", source == "snapshot" ? "snapshot_id" : "volume_id")?.Id();
        var what = source == "snapshot" ? "snapshot" : "volume";
        return Fault.BadRequest($"Block Device Mapping is Invalid: failed to get {what}{(id is null ? "" : " " + id)}. {device.Name} asks for one, and this cloud has none.");
    }
}
