using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>Deletes images, for both of the APIs that do.</summary>
internal sealed class ImageRemoval(ImageShelf shelf, ImageStore images)
{
    /// <summary>Deletes one that may be deleted, or throws a fault: 404, 403.</summary>
    public async Task RemoveAsync(ApiRequest request, string id, CancellationToken cancellation)
    {
        while (true)
        {
            var image = await shelf.RequireOwnAsync(request, id, cancellation);
            if (image.Protected)
            {
                throw Fault.Forbidden($"Image {id} is protected and cannot be deleted.");
            }

            if (image.Location is { } location && Path.IsPathRooted(location))
            {
                throw Fault.Forbidden($"Image {id} is one of the configuration's and cannot be deleted.");
            }

            if (await images.DeleteAsync(image, cancellation))
            {
                return;
            }
        }
    }
}
