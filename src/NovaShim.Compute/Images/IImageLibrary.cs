using NovaShim.Sdk;

namespace NovaShim.Compute.Images;

/// <summary>The images as the control plane uses them, wherever they are kept: servers are built from them and written to them.</summary>
public interface IImageLibrary
{
    /// <summary>An image ready to be read. Throws <see cref="StepFailedException"/> when it cannot be.</summary>
    Task<Image> OpenAsync(string uuid, CancellationToken cancellation);

    /// <summary>Throws <see cref="StepFailedException"/> unless an image is whole where it is kept.</summary>
    Task RequireAsync(string uuid, CancellationToken cancellation);

    /// <summary>One, or null.</summary>
    Task<ImageDocument?> FindAsync(string uuid, CancellationToken cancellation);

    /// <summary>Makes the image that a server is to be written to, still without bytes.</summary>
    Task<ImageDocument> CreateSnapshotAsync(ImageDocument image, CancellationToken cancellation);

    /// <summary>Takes in a server's disk, whose format is known when it is written; where the image has it already, nothing. Exceptions as in <see cref="ImageStore.ReceiveAsync"/>.</summary>
    Task ReceiveSnapshotAsync(string uuid, string owner, Func<Stream, CancellationToken, Task<SnapshotInfo>> write, CancellationToken cancellation);

    /// <summary>A tenant's images of a server.</summary>
    Task<IReadOnlyList<ImageDocument>> SnapshotsOfAsync(string projectId, string serverUuid, CancellationToken cancellation);

    /// <summary>Removes one that was to be made of a server and is not whole; one that is stays. What cannot be removed now, <see cref="Servers.OrphanSnapshots"/> finds.</summary>
    Task AbandonAsync(string uuid, CancellationToken cancellation);

    /// <summary>Removes one, if it is there and its owner has not protected it.</summary>
    Task DeleteAsync(string uuid, CancellationToken cancellation);
}
