using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Limits;
using NovaShim.Api.Metadata;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Images;

/// <summary>An image's metadata as compute shows and sets it: the Image API's additional properties.</summary>
internal sealed class ImageMetadataEndpoints(ImageShelf shelf, Quotas quotas) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes) => new MetadataRoutes(ReadAsync, ChangeAsync, "Invalid metadata key").Map(routes, "/images/{id}");

    private async Task<IReadOnlyDictionary<string, string>> ReadAsync(ApiRequest request, CancellationToken cancellation) =>
        (await shelf.FindAsync(request.Route("id"), request.ProjectId, request.IsAdmin, cancellation))?.Metadata ?? throw Fault.NotFound("Image not found.");

    private async Task<IReadOnlyDictionary<string, string>> ChangeAsync(
        ApiRequest request, Func<IReadOnlyDictionary<string, string>, IReadOnlyDictionary<string, string>> change, CancellationToken cancellation)
    {
        var most = (await quotas.LimitsOfAsync(request, cancellation)).MetadataItems;
        var changed = await shelf.ChangeAsync(
            request, request.Route("id"),
            i =>
            {
                var metadata = change(i.Metadata);
                MetadataRules.CheckCount(request, i.Metadata.Count, metadata.Count, most, "Image metadata limit exceeded");
                return metadata.Keys.FirstOrDefault(GlanceFields.IsField) is { } field ? throw Fault.BadRequest($"Invalid metadata key {field}: an image has a field of that name.") : i with { Metadata = metadata };
            },
            cancellation);
        return changed.Metadata;
    }
}
