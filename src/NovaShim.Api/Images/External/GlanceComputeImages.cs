using Microsoft.AspNetCore.Http;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images.External;

/// <summary>An external Glance's images, as it shows them to the user whose token came with the request.</summary>
internal sealed class GlanceComputeImages(GlanceImages images, GlanceClient glance) : IComputeImages
{
    /// <inheritdoc/>
    public Task<ImageDocument?> FindAsync(ApiRequest request, string id, CancellationToken cancellation) => images.FindAsync(id, TokenOf(request), cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<ImageDocument>> ListAsync(ApiRequest request, CancellationToken cancellation) =>
        // What Glance can filter by itself, it does. It takes "in:" and the like for orders, where Nova knows names alone.
        images.ListAsync(request.QueryValue("name") is { } name && !name.Contains(':', StringComparison.Ordinal) ? $"name={Uri.EscapeDataString(name)}" : "", TokenOf(request), cancellation);

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, string>> ChangeMetadataAsync(
        ApiRequest request, string id, Func<IReadOnlyDictionary<string, string>, IReadOnlyDictionary<string, string>> change, CancellationToken cancellation)
    {
        var image = await FindAsync(request, id, cancellation) ?? throw Fault.NotFound("Image not found.");
        var wanted = change(image.Metadata);
        IReadOnlyList<ExternalChange> changes =
        [
            .. wanted.Where(p => image.Metadata.GetValueOrDefault(p.Key) != p.Value).Select(p => ExternalChange.To(p.Key, p.Value)),
            .. image.Metadata.Keys.Where(k => !wanted.ContainsKey(k)).Select(ExternalChange.Without),
        ];
        return changes.Count == 0 ? image.Metadata : (await images.ChangeAsync(image.Uuid, changes, TokenOf(request), cancellation)).Metadata;
    }

    /// <inheritdoc/>
    public Task RemoveAsync(ApiRequest request, string id, CancellationToken cancellation) => images.RemoveAsync(id, TokenOf(request), cancellation);

    /// <inheritdoc/>
    public string UrlOf(ApiRequest request, string id) => $"{glance.LastUrl}/v2/images/{id}";

    /// <summary>The token of a request that has been let in with it.</summary>
    public static string TokenOf(ApiRequest request) => request.Header("X-Auth-Token") ?? throw new FaultException(StatusCodes.Status401Unauthorized, "The request you have made requires authentication.");
}
