using System.Linq.Expressions;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>The images a tenant can see and change: its own, the cloud's public ones, those shared with it; an administrator's are all.</summary>
internal sealed class ImageShelf(IDocumentStore store)
{
    private IDocumentCollection<ImageDocument> Images => store.Collection<ImageDocument>();

    /// <summary>One, or null.</summary>
    public async Task<ImageDocument?> FindAsync(string id, string projectId, bool isAdmin, CancellationToken cancellation) =>
        await Images.GetAsync(id, cancellation) is { } image && (isAdmin || IsVisible(image, projectId)) ? image : null;

    /// <summary>What a tenant has in its list, newest first: its own, the public ones, and those it has accepted.</summary>
    public Task<IReadOnlyList<ImageDocument>> ListAsync(string projectId, bool isAdmin, CancellationToken cancellation) => isAdmin
        ? ListAsync(condition: null, cancellation)
        : ListAsync(
            i => i.ProjectId == null || i.ProjectId == projectId || i.Visibility == ImageVisibilities.Public
                || (i.Visibility == ImageVisibilities.Shared && i.Members.Any(m => m.ProjectId == projectId && m.Status == "accepted")),
            cancellation);

    /// <summary>Those that meet a condition, or all, newest first.</summary>
    public async Task<IReadOnlyList<ImageDocument>> ListAsync(Expression<Func<ImageDocument, bool>>? condition, CancellationToken cancellation) =>
        [.. (await Images.ListAsync(condition is null ? Images.Query() : Images.Query().Where(condition), cancellation)).OrderByDescending(i => i.CreatedAt).ThenByDescending(i => i.Uuid, StringComparer.Ordinal)];

    /// <summary>One that can be seen, or a 404.</summary>
    public async Task<ImageDocument> RequireAsync(ApiRequest request, string id, CancellationToken cancellation) =>
        await FindAsync(id, request.ProjectId, request.IsAdmin, cancellation) ?? throw Fault.NotFound($"No image found with ID {id}");

    /// <summary>One that may be changed, or a 404, or a 403 for one that can only be seen.</summary>
    public async Task<ImageDocument> RequireOwnAsync(ApiRequest request, string id, CancellationToken cancellation)
    {
        var image = await RequireAsync(request, id, cancellation);
        return request.IsAdmin || image.ProjectId == request.ProjectId ? image : throw Fault.Forbidden($"You are not permitted to modify image {id}.");
    }

    /// <summary>Changes one that may be changed. The change may run several times and throw a fault.</summary>
    public async Task<ImageDocument> ChangeAsync(ApiRequest request, string id, Func<ImageDocument, ImageDocument> change, CancellationToken cancellation)
    {
        await RequireOwnAsync(request, id, cancellation);
        return await Images.UpdateAsync(id, change, cancellation) ?? throw new ImageNotFoundException(id);
    }

    /// <summary>The same for one that can only be seen: what a member says about it.</summary>
    public async Task<ImageDocument> ChangeSeenAsync(ApiRequest request, string id, Func<ImageDocument, ImageDocument> change, CancellationToken cancellation)
    {
        await RequireAsync(request, id, cancellation);
        return await Images.UpdateAsync(id, change, cancellation) ?? throw new ImageNotFoundException(id);
    }

    /// <summary>How an image is shown: what belongs to nobody is the cloud's.</summary>
    public static string VisibilityOf(ImageDocument image) => image.ProjectId is null ? ImageVisibilities.Public : image.Visibility;

    private static bool IsVisible(ImageDocument image, string projectId) =>
        image.ProjectId == projectId || VisibilityOf(image) is ImageVisibilities.Public or ImageVisibilities.Community
        || (image.Visibility == ImageVisibilities.Shared && image.Members.Any(m => m.ProjectId == projectId));
}
