using NovaShim.Compute.Documents;
using NovaShim.Sdk;

namespace NovaShim.Compute.Images;

/// <summary>The files of images, in a folder that every compute process can read.</summary>
public sealed class ImageFiles(IDocumentStore store)
{
    /// <summary>An image ready to be read. Throws <see cref="StepFailedException"/> when it is gone or its file is not what the document says.</summary>
    public async Task<Image> OpenAsync(string uuid, CancellationToken cancellation)
    {
        var image = await store.Collection<ImageDocument>().GetAsync(uuid, cancellation) ?? throw new StepFailedException($"Image {uuid} could not be found.", StepRecovery.Unwind);
        var file = new FileInfo(image.Location);
        if (!file.Exists || file.Length != image.Size)
        {
            throw new StepFailedException($"Image {uuid} cannot be read here: its file is missing or has changed.", StepRecovery.Unwind);
        }

        return new Image
        {
            Id = image.Uuid, Name = image.Name, DiskFormat = image.DiskFormat, Size = image.Size,
            OpenRead = _ => Task.FromResult<Stream>(new FileStream(image.Location, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16, FileOptions.Asynchronous | FileOptions.SequentialScan)),
        };
    }
}
