using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Limits;
using NovaShim.Api.Metadata;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Images;

/// <summary>An image's metadata as compute shows and sets it: the Image API's additional properties.</summary>
internal sealed class ImageMetadataEndpoints(IComputeImages images, Quotas quotas) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes) => new MetadataRoutes(ReadAsync, ChangeAsync, "Invalid metadata key").Map(routes, "/images/{id}");

    private async Task<IReadOnlyDictionary<string, string>> ReadAsync(ApiRequest request, CancellationToken cancellation) =>
        (await images.FindAsync(request, request.Route("id"), cancellation))?.Metadata ?? throw Fault.NotFound("Image not found.");

    private async Task<IReadOnlyDictionary<string, string>> ChangeAsync(
        ApiRequest request, Func<IReadOnlyDictionary<string, string>, IReadOnlyDictionary<string, string>> change, CancellationToken cancellation)
    {
        var most = (await quotas.LimitsOfAsync(request, cancellation)).MetadataItems;
        return await images.ChangeMetadataAsync(
            request, request.Route("id"),
            now =>
            {
                var metadata = change(now);
                MetadataRules.CheckCount(request, now.Count, metadata.Count, most, "Image metadata limit exceeded");
                return metadata.Keys.FirstOrDefault(GlanceFields.IsField) is { } field ? throw Fault.BadRequest($"Invalid metadata key {field}: an image has a field of that name.") : metadata;
            },
            cancellation);
    }
}
