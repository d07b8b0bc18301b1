using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Images;

/// <summary>
/// Takes images in and lets them go. The document is the truth: it names an upload before the file of that upload is made, and the file as the image's only
/// once it is whole, checked and on the disk. So a half upload is never an image, whenever the process dies, and a file that no document names is rubbish
/// that <see cref="SweepAsync"/> may take away.
/// </summary>
public sealed partial class ImageStore(
    IDocumentStore store, ImageStoreOptions options, IEnumerable<IImageFormat> formats, ProcessIdentity process, TimeProvider time, ILogger<ImageStore> log)
{
    private const int BufferSize = 1 << 18;
    private static readonly TimeSpan UploadLease = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RenewInterval = TimeSpan.FromSeconds(15);

    private readonly string _folder = Path.GetFullPath(options.Path);

    private IDocumentCollection<ImageDocument> Images => store.Collection<ImageDocument>();

    /// <summary>Inserts a new image's document. Its bytes come with <see cref="ReceiveAsync"/>. Throws <see cref="DuplicateKeyException"/> when the id is taken.</summary>
    public Task<ImageDocument> CreateAsync(ImageDocument image, CancellationToken cancellation) =>
        Images.InsertAsync(image with { Status = ImageStatuses.Queued, Location = null, Size = 0, Upload = null }, cancellation);

    /// <summary>
    /// Takes in the bytes of a queued image and makes it active. Failing for whatever reason, it leaves the image queued, without bytes.
    /// </summary>
    /// <param name="uuid">The image.</param>
    /// <param name="owner">On whose behalf. Another owner's upload is only taken over when its process is gone; one's own at once.</param>
    /// <param name="write">Writes the bytes, from first to last. Its token fires when the upload is no longer wanted.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The image, active.</returns>
    /// <exception cref="ImageNotFoundException">There is no such image, or no longer.</exception>
    /// <exception cref="ImageStateException">It has its bytes already, or is being given them by somebody else.</exception>
    /// <exception cref="InvalidImageException">It is of no format yet, or the bytes are no image of the format.</exception>
    /// <exception cref="ImageTooLargeException">They are too many.</exception>
    public Task<ImageDocument> ReceiveAsync(string uuid, string owner, Func<Stream, CancellationToken, Task> write, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(write);
        return ReceiveAsync(
            uuid, owner, formatIsKnown: true,
            async (stream, token) =>
            {
                await write(stream, token);
                return null;
            },
            cancellation);
    }

    /// <summary>Takes in the snapshot of a server likewise. What format it has is known when it is written.</summary>
    public Task<ImageDocument> ReceiveSnapshotAsync(string uuid, string owner, Func<Stream, CancellationToken, Task<SnapshotInfo>> write, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(write);
        return ReceiveAsync(uuid, owner, formatIsKnown: false, async (stream, token) => await write(stream, token), cancellation);
    }

    private async Task<ImageDocument> ReceiveAsync(string uuid, string owner, bool formatIsKnown, Func<Stream, CancellationToken, Task<SnapshotInfo?>> write, CancellationToken cancellation)
    {
        var image = await BeginAsync(uuid, owner, formatIsKnown, cancellation);
        var upload = image.Upload!;
        var file = Path.Combine(_folder, NameOf(uuid, upload));
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var renewing = RenewAsync(uuid, upload, lost);
        try
        {
            var arrived = await WriteAsync(file, write, lost.Token);
            var format = arrived.Made?.DiskFormat ?? image.DiskFormat;
            var size = arrived.Made is { } made && format == "raw" ? made.VirtualSize : VirtualSizeOf(format, file, arrived.Count, lost.Token);
            var whole = await Images.UpdateAsync(
                uuid,
                i => i.Upload?.Id != upload.Id ? null : i with
                {
                    Status = ImageStatuses.Active, Location = NameOf(uuid, upload), DiskFormat = format, Size = arrived.Count, VirtualSize = size, Checksum = arrived.Md5, OsHashValue = arrived.Sha512, Upload = null,
                },
                CancellationToken.None);
            if (whole is null)
            {
                throw new ImageNotFoundException(uuid);
            }

            LogReceived(uuid, arrived.Count);
            return whole;
        }
        catch (Exception e)
        {
            await GiveUpAsync(uuid, upload, file);
            if (e is OperationCanceledException && !cancellation.IsCancellationRequested)
            {
                // Deleted, or taken over by somebody who thought this process dead.
                throw new ImageNotFoundException(uuid);
            }

            throw;
        }
        finally
        {
            await lost.CancelAsync();
            await renewing;
        }
    }

    /// <summary>Deletes an image and its file. False when somebody else has changed it since it was read. A file of the configuration stays where it is.</summary>
    public async Task<bool> DeleteAsync(ImageDocument image, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (!await Images.DeleteAsync(image, cancellation))
        {
            return false;
        }

        if (image.Location is { } location && !Path.IsPathRooted(location))
        {
            RemoveFile(Path.Combine(_folder, location));
        }

        return true;
    }

    /// <summary>Makes images whose upload has ended with its process queued again, and removes files that no document names. Returns how many files there were.</summary>
    public async Task<int> SweepAsync(CancellationToken cancellation)
    {
        foreach (var image in await Images.WhereAsync(i => i.Status == ImageStatuses.Saving, cancellation))
        {
            if (image.Upload is { } upload && upload.ExpiresAt <= Now && await ReleaseAsync(image.Uuid, upload, cancellation))
            {
                LogReleased(image.Uuid);
            }
        }

        var removed = 0;
        foreach (var file in Directory.Exists(_folder) ? Directory.GetFiles(_folder) : [])
        {
            // Only what this class has named is its to remove.
            var name = Path.GetFileName(file);
            if (name.Split('.') is not [var uuid, var upload] || !Guid.TryParse(uuid, out _) || !Guid.TryParseExact(upload, "N", out _))
            {
                continue;
            }

            var image = await Images.GetAsync(uuid, cancellation);
            if (image?.Location != name && image?.Upload?.Id != upload)
            {
                RemoveFile(file);
                removed++;
            }
        }

        return removed;
    }

    /// <summary>At a start, before anything else: what this process was taking in when it died is not coming any more.</summary>
    public async Task ReleaseOwnAsync(CancellationToken cancellation)
    {
        foreach (var image in await Images.WhereAsync(i => i.Status == ImageStatuses.Saving, cancellation))
        {
            if (image.Upload is { } upload && upload.Process == process.Id)
            {
                await ReleaseAsync(image.Uuid, upload, cancellation);
            }
        }
    }

    private DateTime Now => time.GetUtcNow().UtcDateTime;

    private static string NameOf(string uuid, ImageUpload upload) => $"{uuid}.{upload.Id}";

    private async Task<ImageDocument> BeginAsync(string uuid, string owner, bool formatIsKnown, CancellationToken cancellation)
    {
        var upload = new ImageUpload(Guid.NewGuid().ToString("N"), owner, process.Id, Now + UploadLease);
        var begun = await Images.UpdateAsync(
            uuid,
            image =>
            {
                if (formatIsKnown && (image.DiskFormat is null || image.ContainerFormat is null))
                {
                    throw new InvalidImageException("Properties disk_format, container_format must be set prior to saving data.");
                }

                var free = image.Status == ImageStatuses.Queued || (image is { Status: ImageStatuses.Saving, Upload: { } other } && (other.Owner == owner || other.ExpiresAt <= Now));
                return free
                    ? image with { Status = ImageStatuses.Saving, Upload = upload }
                    : throw new ImageStateException($"Image status transition from {image.Status} to {ImageStatuses.Saving} is not allowed");
            },
            cancellation);
        return begun ?? throw new ImageNotFoundException(uuid);
    }

    private async Task<(long Count, string Md5, string Sha512, SnapshotInfo? Made)> WriteAsync(string file, Func<Stream, CancellationToken, Task<SnapshotInfo?>> write, CancellationToken cancellation)
    {
        Directory.CreateDirectory(_folder);
        try
        {
            await using var stream = new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferSize, FileOptions.Asynchronous);
            await using var arriving = new ArrivingBytes(stream, options.MaxBytes);
            var made = await write(arriving, cancellation);
            cancellation.ThrowIfCancellationRequested();
            await stream.FlushAsync(cancellation);
            stream.Flush(flushToDisk: true);
            var (md5, sha512) = arriving.Digests();
            return (arriving.Count, md5, sha512, made);
        }
        catch (IOException full) when (full.HResult is DiskFull or DiskQuota)
        {
            throw new ImageTooLargeException("There is no room for the image.", full);
        }
    }

    // ENOSPC and EDQUOT, as .NET hands them on.
    private const int DiskFull = 28;
    private const int DiskQuota = 122;

    private long? VirtualSizeOf(string? format, string file, long length, CancellationToken cancellation) =>
        format == "raw" ? length : formats.FirstOrDefault(f => f.DiskFormat == format)?.VirtualSizeOf(file, cancellation);

    private async Task RenewAsync(string uuid, ImageUpload upload, CancellationTokenSource lost)
    {
        try
        {
            using var timer = new PeriodicTimer(RenewInterval, time);
            while (await timer.WaitForNextTickAsync(lost.Token))
            {
                try
                {
                    if (await Images.UpdateAsync(uuid, i => i.Upload?.Id == upload.Id ? i with { Upload = upload with { ExpiresAt = Now + UploadLease } } : null, lost.Token) is null)
                    {
                        await lost.CancelAsync();
                    }
                }
                catch (DocumentStoreException away)
                {
                    // It is still this process's as far as anybody knows; the last word is the compare-and-set at the end.
                    LogAway(uuid, away);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The upload is over.
        }
    }

    // Where the store does not answer, nobody knows whether the last write was applied: the file stays, and a sweep decides.
    private async Task GiveUpAsync(string uuid, ImageUpload upload, string file)
    {
        try
        {
            await ReleaseAsync(uuid, upload, CancellationToken.None);
            if ((await Images.GetAsync(uuid, CancellationToken.None))?.Location != Path.GetFileName(file))
            {
                RemoveFile(file);
            }
        }
        catch (DocumentStoreException away)
        {
            LogAway(uuid, away);
        }
    }

    private async Task<bool> ReleaseAsync(string uuid, ImageUpload upload, CancellationToken cancellation) =>
        await Images.UpdateAsync(uuid, i => i.Upload?.Id == upload.Id ? i with { Status = ImageStatuses.Queued, Upload = null } : null, cancellation) is not null;

    private void RemoveFile(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogLeftBehind(file, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Image {Uuid} has its {Bytes} bytes.")]
    private partial void LogReceived(string uuid, long bytes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The upload of image {Uuid} has ended with its process; the image waits for another.")]
    private partial void LogReleased(string uuid);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Image {Uuid}: the document store does not answer.")]
    private partial void LogAway(string uuid, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{File} belongs to no image any more and cannot be removed.")]
    private partial void LogLeftBehind(string file, Exception exception);
}
