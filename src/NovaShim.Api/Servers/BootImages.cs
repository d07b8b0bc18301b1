using NovaShim.Api.Faults;
using NovaShim.Api.Images;
using NovaShim.Api.Requests;
using NovaShim.Compute.Images;
using NovaShim.Sdk;

namespace NovaShim.Api.Servers;

/// <summary>Which images a server can be built from: those that its user sees, that are whole, and that its flavor is large enough for.</summary>
internal sealed class BootImages(IComputeImages images)
{
    /// <summary>The image, or a 400; <paramref name="unknown"/> says that there is none.</summary>
    public async Task<ImageDocument> ChooseAsync(ApiRequest request, string id, Flavor flavor, string unknown, CancellationToken cancellation)
    {
        var image = await images.FindAsync(request, id, cancellation) ?? throw Fault.BadRequest(unknown);
        return image.Status != ImageStatuses.Active ? throw Fault.BadRequest($"Image {image.Uuid} is not active.")
            : image is not { DiskFormat: "vhd" or "raw", ContainerFormat: "bare" } ? throw Fault.BadRequest($"Image {image.Uuid} is of a format that no server can be built from: vhd or raw, in a bare container, is expected.")
            : image.MinRam > flavor.MemoryMb ? throw Fault.BadRequest("Flavor's memory is too small for requested image.")
            : flavor.RootGb > 0 && image.MinDisk > flavor.RootGb ? throw Fault.BadRequest("Flavor's disk is too small for requested image.")
            : image;
    }
}
