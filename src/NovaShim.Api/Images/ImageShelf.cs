using NovaShim.Compute.Documents;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>The images a tenant can see: the cloud's public ones and its own; an administrator sees all.</summary>
internal sealed class ImageShelf(IDocumentStore store)
{
    private IDocumentCollection<ImageDocument> Images => store.Collection<ImageDocument>();

    /// <summary>One, or null.</summary>
    public async Task<ImageDocument?> FindAsync(string id, string projectId, bool isAdmin, CancellationToken cancellation) =>
        await Images.GetAsync(id, cancellation) is { } image && (isAdmin || image.ProjectId is null || image.ProjectId == projectId) ? image : null;

    /// <summary>All, newest first.</summary>
    public async Task<IReadOnlyList<ImageDocument>> ListAsync(string projectId, bool isAdmin, CancellationToken cancellation)
    {
        var visible = isAdmin ? Images.Query() : Images.Query().Where(i => i.ProjectId == null || i.ProjectId == projectId);
        return [.. (await Images.ListAsync(visible, cancellation)).OrderByDescending(i => i.CreatedAt).ThenByDescending(i => i.Uuid, StringComparer.Ordinal)];
    }
}
