using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Compute.Images;

/// <summary>The program's own images: documents in the store, and files that every compute process can read.</summary>
internal sealed class OwnImages(IDocumentStore store, ImageStore images, ImageFiles files) : IImageLibrary
{
    private IDocumentCollection<ImageDocument> Documents => store.Collection<ImageDocument>();

    /// <inheritdoc/>
    public Task<Image> OpenAsync(string uuid, CancellationToken cancellation) => files.OpenAsync(uuid, cancellation);

    /// <inheritdoc/>
    public Task RequireAsync(string uuid, CancellationToken cancellation) => files.OpenAsync(uuid, cancellation);

    /// <inheritdoc/>
    public async Task<ImageDocument?> FindAsync(string uuid, CancellationToken cancellation) => await Documents.GetAsync(uuid, cancellation);

    /// <inheritdoc/>
    public Task<ImageDocument> CreateSnapshotAsync(ImageDocument image, CancellationToken cancellation) => images.CreateAsync(image, cancellation);

    /// <inheritdoc/>
    public async Task ReceiveSnapshotAsync(string uuid, string owner, Func<Stream, CancellationToken, Task<SnapshotInfo>> write, CancellationToken cancellation)
    {
        // A former run may have come to the end.
        if (await FindAsync(uuid, cancellation) is not { } image || !ImageStatuses.IsWhole(image.Status))
        {
            await images.ReceiveSnapshotAsync(uuid, owner, write, cancellation);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ImageDocument>> SnapshotsOfAsync(string projectId, string serverUuid, CancellationToken cancellation) =>
        [.. (await Documents.WhereAsync(i => i.ProjectId == projectId, cancellation)).Where(i => i.Metadata.GetValueOrDefault(SnapshotProperties.InstanceUuid) == serverUuid)];

    /// <inheritdoc/>
    public async Task AbandonAsync(string uuid, CancellationToken cancellation)
    {
        if (await FindAsync(uuid, cancellation) is { } image && !ImageStatuses.IsWhole(image.Status))
        {
            await images.DeleteAsync(image, cancellation);
        }
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(string uuid, CancellationToken cancellation)
    {
        if (await FindAsync(uuid, cancellation) is { Protected: false } image)
        {
            await images.DeleteAsync(image, cancellation);
        }
    }
}
