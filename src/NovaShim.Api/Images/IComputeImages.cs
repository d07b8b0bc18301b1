using NovaShim.Api.Requests;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>Images as compute shows them to a user and lets them be changed, wherever they are kept.</summary>
internal interface IComputeImages
{
    /// <summary>One that the user sees, or null.</summary>
    Task<ImageDocument?> FindAsync(ApiRequest request, string id, CancellationToken cancellation);

    /// <summary>Those that the user has in their list, newest first.</summary>
    Task<IReadOnlyList<ImageDocument>> ListAsync(ApiRequest request, CancellationToken cancellation);

    /// <summary>Changes the metadata of one that the user may change, or throws a fault: 404, 403. The change may run several times and throw.</summary>
    /// <returns>The metadata as it is now.</returns>
    Task<IReadOnlyDictionary<string, string>> ChangeMetadataAsync(
        ApiRequest request, string id, Func<IReadOnlyDictionary<string, string>, IReadOnlyDictionary<string, string>> change, CancellationToken cancellation);

    /// <summary>Deletes one that the user may delete, or throws a fault: 404, 403, 409.</summary>
    Task RemoveAsync(ApiRequest request, string id, CancellationToken cancellation);

    /// <summary>Where the Image API shows one.</summary>
    string UrlOf(ApiRequest request, string id);
}
