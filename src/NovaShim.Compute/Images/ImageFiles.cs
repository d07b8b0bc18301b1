using NovaShim.Compute.Documents;
using NovaShim.Sdk;

namespace NovaShim.Compute.Images;

/// <summary>The files of images, which every compute process can read.</summary>
public sealed class ImageFiles(IDocumentStore store, ImageStoreOptions options)
{
    private const int BufferSize = 1 << 16;

    /// <summary>An image ready to be read. Throws <see cref="StepFailedException"/> when it is gone or its file is not what the document says.</summary>
    public async Task<Image> OpenAsync(string uuid, CancellationToken cancellation)
    {
        var image = await store.Collection<ImageDocument>().GetAsync(uuid, cancellation) ?? throw new StepFailedException($"Image {uuid} could not be found.", StepRecovery.Unwind);
        if (image is not { Status: ImageStatuses.Active, DiskFormat: { } format } || FileOf(image) is not { Exists: true } file || file.Length != image.Size)
        {
            throw new StepFailedException($"Image {uuid} cannot be read here: it is not active, or its file is missing or has changed.", StepRecovery.Unwind);
        }

        return new Image { Id = image.Uuid, Name = image.Name, DiskFormat = format, Size = image.Size, Properties = image.Metadata, OpenRead = _ => Task.FromResult(Open(file)) };
    }

    /// <summary>An image's bytes, whatever its status, or null when there are none here.</summary>
    public Stream? OpenRead(ImageDocument image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return FileOf(image) is { Exists: true } file && file.Length == image.Size ? Open(file) : null;
    }

    private FileInfo? FileOf(ImageDocument image) => image.Location is { } location ? new FileInfo(Path.Combine(Path.GetFullPath(options.Path), location)) : null;

    private static Stream Open(FileInfo file) =>
        new FileStream(file.FullName, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, BufferSize, FileOptions.Asynchronous | FileOptions.SequentialScan);
}
