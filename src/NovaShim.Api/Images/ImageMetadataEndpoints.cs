using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Limits;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Api.Servers;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>An image's metadata as compute shows and sets it, whole and by item: the Image API's additional properties.</summary>
internal sealed class ImageMetadataEndpoints(ImageShelf shelf, Quotas quotas) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/images/{id}/metadata", async (request, cancellation) => Show((await FindAsync(request, cancellation)).Metadata));
        routes.OnPost("/images/{id}/metadata", (request, cancellation) => SetAsync(request, keep: true, cancellation));
        routes.OnPut("/images/{id}/metadata", (request, cancellation) => SetAsync(request, keep: false, cancellation));
        routes.OnGet("/images/{id}/metadata/{key}", async (request, cancellation) =>
            (await FindAsync(request, cancellation)).Metadata.TryGetValue(request.Route("key"), out var value) ? ShowItem(request.Route("key"), value) : throw NoSuchItem());
        routes.OnPut("/images/{id}/metadata/{key}", SetItemAsync);
        routes.OnDelete("/images/{id}/metadata/{key}", DeleteItemAsync);
    }

    private async Task<ImageDocument> FindAsync(ApiRequest request, CancellationToken cancellation) =>
        await shelf.FindAsync(request.Route("id"), request.ProjectId, request.IsAdmin, cancellation) ?? throw Fault.NotFound("Image not found.");

    private async Task<Answer> SetAsync(ApiRequest request, bool keep, CancellationToken cancellation)
    {
        await FindAsync(request, cancellation);
        var given = ServerAttributes.MetadataOf(await request.BodyAsync("metadata", cancellation));
        return Show((await UpdateAsync(request, now => keep ? Merge(now, given) : given, cancellation)).Metadata);
    }

    private async Task<Answer> SetItemAsync(ApiRequest request, CancellationToken cancellation)
    {
        await FindAsync(request, cancellation);
        var key = request.Route("key");
        var given = ServerAttributes.MetadataOf(await request.BodyAsync("meta", cancellation));
        if (given.Count != 1 || !given.TryGetValue(key, out var value))
        {
            throw Fault.BadRequest("Request body and URI mismatch");
        }

        await UpdateAsync(request, now => Merge(now, given), cancellation);
        return ShowItem(key, value);
    }

    private async Task<Answer> DeleteItemAsync(ApiRequest request, CancellationToken cancellation)
    {
        await FindAsync(request, cancellation);
        var key = request.Route("key");
        await UpdateAsync(request, now => now.ContainsKey(key) ? now.Where(item => item.Key != key).ToDictionary(StringComparer.Ordinal) : throw NoSuchItem(), cancellation);
        return Answer.NoContent;
    }

    private Task<ImageDocument> UpdateAsync(ApiRequest request, Func<IReadOnlyDictionary<string, string>, IReadOnlyDictionary<string, string>> change, CancellationToken cancellation) => shelf.ChangeAsync(
        request, request.Route("id"),
        i =>
        {
            var changed = change(i.Metadata);
            var most = quotas.Limits.MetadataItems;
            return changed.Keys.FirstOrDefault(GlanceFields.IsField) is { } field ? throw Fault.BadRequest($"Invalid metadata key {field}: an image has a field of that name.")
                : changed.Count > most && most >= 0 && changed.Count > i.Metadata.Count ? throw Fault.OverQuota(request.Surface, "Image metadata limit exceeded")
                : i with { Metadata = changed };
        },
        cancellation);

    private static Dictionary<string, string> Merge(IReadOnlyDictionary<string, string> now, IReadOnlyDictionary<string, string> given)
    {
        var merged = now.ToDictionary(StringComparer.Ordinal);
        foreach (var (key, value) in given)
        {
            merged[key] = value;
        }

        return merged;
    }

    private static FaultException NoSuchItem() => Fault.NotFound("Invalid metadata key");

    private static Answer Show(IReadOnlyDictionary<string, string> metadata) => Answer.Of(new MetadataEnvelope(metadata), ApiJson.Default.MetadataEnvelope);

    private static Answer ShowItem(string key, string value) => Answer.Of(new MetaItemEnvelope(new Dictionary<string, string> { [key] = value }), ApiJson.Default.MetaItemEnvelope);
}
