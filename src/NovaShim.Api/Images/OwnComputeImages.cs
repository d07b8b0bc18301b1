using NovaShim.Api.Requests;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>The program's own images.</summary>
internal sealed class OwnComputeImages(ImageShelf shelf, ImageRemoval removal) : IComputeImages
{
    /// <inheritdoc/>
    public Task<ImageDocument?> FindAsync(ApiRequest request, string id, CancellationToken cancellation) => shelf.FindAsync(id, request.ProjectId, request.IsAdmin, cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<ImageDocument>> ListAsync(ApiRequest request, CancellationToken cancellation) => shelf.ListAsync(request.ProjectId, request.IsAdmin, cancellation);

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, string>> ChangeMetadataAsync(
        ApiRequest request, string id, Func<IReadOnlyDictionary<string, string>, IReadOnlyDictionary<string, string>> change, CancellationToken cancellation) =>
        (await shelf.ChangeAsync(request, id, i => i with { Metadata = change(i.Metadata) }, cancellation)).Metadata;

    /// <inheritdoc/>
    public Task RemoveAsync(ApiRequest request, string id, CancellationToken cancellation) => removal.RemoveAsync(request, id, cancellation);

    /// <inheritdoc/>
    public string UrlOf(ApiRequest request, string id) => $"{request.BaseUrl}/image/v2/images/{id}";
}
