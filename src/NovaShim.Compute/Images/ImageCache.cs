using System.Collections.Concurrent;
using System.Globalization;
using NovaShim.Sdk;

namespace NovaShim.Compute.Images;

/// <summary>
/// Copies of images that are kept elsewhere, in the folder of images, beside what is on its way there. A copy has its name only once it is whole and was found to be what was promised, so processes may share the folder and
/// die whenever they do; what was not used for a time is removed, and is fetched again when it is asked for.
/// </summary>
public sealed class ImageCache(ImageStoreOptions options, IEnumerable<IImageFormat> formats, TimeProvider time)
{
    private const int BufferSize = 1 << 18;
    private const string Copy = ".image";
    private const string Part = ".part";

    // Nobody writes to a part that has not grown for so long. Who still reads one keeps it open.
    private static readonly TimeSpan PartAge = TimeSpan.FromHours(6);

    private readonly string _folder = Path.GetFullPath(options.Path);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _fetching = new(StringComparer.Ordinal);

    /// <summary>The copy of an image, fetched if there is none. Two that ask at once fetch it once.</summary>
    /// <param name="image">What it must be: its length and digests, its format.</param>
    /// <param name="fetch">Writes its bytes.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="StepFailedException">What arrived is not what was promised, or is no image of the format.</exception>
    public async Task<Image> GetAsync(ImageDocument image, Func<Stream, CancellationToken, Task> fetch, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(fetch);
        if ((image.OsHashValue ?? image.Checksum) is not { Length: > 0 } digest || !digest.All(char.IsAsciiHexDigit) || !Guid.TryParse(image.Uuid, out var id))
        {
            throw new StepFailedException($"Image {image.Uuid} cannot be fetched: nothing says what its bytes must be.", StepRecovery.Unwind);
        }

        var file = new FileInfo(Path.Combine(_folder, $"{id}.{digest[..Math.Min(digest.Length, 32)]}{Copy}"));
        var turn = _fetching.GetOrAdd(file.Name, _ => new SemaphoreSlim(1, 1));
        await turn.WaitAsync(cancellation);
        try
        {
            if (!IsThere(file, image))
            {
                await FetchAsync(image, file.FullName, fetch, cancellation);
            }

            // When it was last used: what the sweep goes by.
            File.SetLastWriteTimeUtc(file.FullName, time.GetUtcNow().UtcDateTime);
        }
        finally
        {
            turn.Release();
        }

        return new Image { Id = image.Uuid, Name = image.Name, DiskFormat = image.DiskFormat!, Size = image.Size, Properties = image.Metadata, OpenRead = _ => Task.FromResult<Stream>(OpenRead(file.FullName)) };
    }

    /// <summary>Writes a snapshot to a file of its own, hands it on with what is known of it, and removes it.</summary>
    /// <exception cref="ImageTooLargeException">The bytes are too many.</exception>
    public async Task StageAsync(string uuid, Func<Stream, CancellationToken, Task<SnapshotInfo>> write, Func<StagedImage, CancellationToken, Task> handOn, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(write);
        ArgumentNullException.ThrowIfNull(handOn);
        var part = NewPart(uuid);
        try
        {
            SnapshotInfo? made = null;
            var (count, md5, sha512) = await WriteAsync(part, async (stream, token) => made = await write(stream, token), cancellation);
            formats.FirstOrDefault(f => f.DiskFormat == made!.DiskFormat)?.VirtualSizeOf(part, cancellation);
            await handOn(new StagedImage(part, made!.DiskFormat, count, md5, sha512), cancellation);
        }
        finally
        {
            File.Delete(part);
        }
    }

    /// <summary>Removes copies that were not used for a time, and parts that nobody writes any more. Returns how many files there were.</summary>
    public int Sweep(TimeSpan unused)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var removed = 0;
        foreach (var file in Directory.Exists(_folder) ? new DirectoryInfo(_folder).GetFiles() : [])
        {
            // Only what this class has named is its to remove.
            var age = now - file.LastWriteTimeUtc;
            if (Guid.TryParse(file.Name.Split('.')[0], out _) && ((file.Extension == Copy && age > unused) || (file.Extension == Part && age > PartAge)))
            {
                file.Delete();
                removed++;
            }
        }

        return removed;
    }

    private static bool IsThere(FileInfo file, ImageDocument image)
    {
        file.Refresh();
        return file.Exists && file.Length == image.Size;
    }

    private async Task FetchAsync(ImageDocument image, string file, Func<Stream, CancellationToken, Task> fetch, CancellationToken cancellation)
    {
        var part = NewPart(image.Uuid);
        try
        {
            var (count, md5, sha512) = await WriteAsync(part, fetch, cancellation);
            if (count != image.Size || (image.OsHashValue is { } hash && !Same(hash, sha512)) || (image.Checksum is { } checksum && !Same(checksum, md5)))
            {
                throw new StepFailedException(string.Create(
                    CultureInfo.InvariantCulture, $"Image {image.Uuid} did not arrive as it is kept: {count} bytes instead of {image.Size}, or others."));
            }

            formats.FirstOrDefault(f => f.DiskFormat == image.DiskFormat)?.VirtualSizeOf(part, cancellation);
            File.Move(part, file, overwrite: true);
        }
        catch (Exception e) when (e is InvalidImageException or ImageTooLargeException)
        {
            throw new StepFailedException($"Image {image.Uuid} cannot be used: {e.Message}", StepRecovery.Unwind, e);
        }
        finally
        {
            File.Delete(part);
        }
    }

    private static bool Same(string promised, string arrived) => string.Equals(promised, arrived, StringComparison.OrdinalIgnoreCase);

    private string NewPart(string uuid)
    {
        Directory.CreateDirectory(_folder);
        return Path.Combine(_folder, $"{uuid}.{Guid.NewGuid():N}{Part}");
    }

    private async Task<(long Count, string Md5, string Sha512)> WriteAsync(string file, Func<Stream, CancellationToken, Task> write, CancellationToken cancellation)
    {
        await using var stream = new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.Read | FileShare.Delete, BufferSize, FileOptions.Asynchronous);
        await using var arriving = new ArrivingBytes(stream, options.MaxBytes);
        await write(arriving, cancellation);
        cancellation.ThrowIfCancellationRequested();
        await stream.FlushAsync(cancellation);
        stream.Flush(flushToDisk: true);
        var (md5, sha512) = arriving.Digests();
        return (arriving.Count, md5, sha512);
    }

    private static FileStream OpenRead(string file) => new(file, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, BufferSize, FileOptions.Asynchronous | FileOptions.SequentialScan);
}

/// <summary>A snapshot in a file of its own.</summary>
/// <param name="File">The file.</param>
/// <param name="DiskFormat"><c>vhd</c> or <c>raw</c>.</param>
/// <param name="Size">Its length in bytes.</param>
/// <param name="Md5">In hexadecimal.</param>
/// <param name="Sha512">In hexadecimal.</param>
public sealed record StagedImage(string File, string DiskFormat, long Size, string Md5, string Sha512);
