#pragma warning disable CA1822
using Microsoft.Extensions.Logging;

namespace NovaShim.XenServerSimulator.Storage;

/// <summary>
/// One file-based SR in a directory: real VHD files named <c>&lt;VDI uuid&gt;.vhd</c>. Thread-safe; every operation is serialized, as the storage manager
/// does it. Knows files only, no XenAPI records.
/// </summary>
internal sealed class StorageRepository : IAsyncDisposable
{
    private StorageRepository(string directory) => Directory = directory;

    /// <summary>Absolute path.</summary>
    public string Directory { get; }

    /// <summary>Raised after the garbage collector changed files; never under the repository's lock.</summary>
    public event Action<StorageChange>? Changed;

    /// <summary>Makes the directory where it is missing, completes or undoes what an earlier process was killed in, and kicks the garbage collector.</summary>
    public static Task<StorageRepository> OpenAsync(string directory, StorageOptions options, TimeProvider time, ILogger log, CancellationToken ct) =>
        Task.FromResult(new StorageRepository(directory));

    /// <summary>An empty dynamic disk; the size (bytes) is rounded up to 2 MiB.</summary>
    /// <exception cref="StorageException">43 the uuid exists, 79 no such size, 78 the file could not be made (no space: its text has "error 28").</exception>
    public Task<VhdFacts> CreateAsync(string uuid, long virtualSize, CancellationToken ct) => throw NotYet();

    /// <summary>
    /// Snapshot (or clone): the leaf's file becomes a base copy, the leaf and the snapshot new empty children of it. The leaf may be attached: its guest
    /// waits meanwhile and goes on.
    /// </summary>
    /// <exception cref="StorageException">144 no such VDI, 109 chain too long, 81 anything else.</exception>
    public Task<SnapshotFacts> SnapshotAsync(string uuid, CancellationToken ct) => throw NotYet();

    /// <summary>Grows a detached leaf to at least so many bytes (rounded up to 2 MiB); the same size does nothing.</summary>
    /// <exception cref="StorageException">79 smaller or too big or no space, 24 attached, 144 no such VDI.</exception>
    public Task<VhdFacts> ResizeAsync(string uuid, long bytes, CancellationToken ct) => throw NotYet();

    /// <summary>Unlinks a detached VDI and kicks the garbage collector.</summary>
    /// <exception cref="StorageException">80 it has children, 24 attached, 144 no such VDI.</exception>
    public Task DestroyAsync(string uuid, CancellationToken ct) => throw NotYet();

    /// <summary>All VHDs directly in the directory but hidden ones without children; kicks the garbage collector.</summary>
    /// <exception cref="StorageException">40 when any file is broken; its text names the file.</exception>
    public Task<IReadOnlyList<VhdFacts>> ScanAsync(CancellationToken ct) => throw NotYet();

    /// <summary>One file's facts, null when there is none.</summary>
    /// <exception cref="StorageException">65 the file is broken.</exception>
    public Task<VhdFacts?> FindAsync(string uuid, CancellationToken ct) => throw NotYet();

    /// <summary>Overwrites an existing detached leaf from a stream.</summary>
    /// <param name="uuid">The leaf.</param>
    /// <param name="body">The image, read to its end.</param>
    /// <param name="length">Bytes of the body where known: progress is measured by it.</param>
    /// <param name="format"><c>raw</c> or <c>vhd</c>.</param>
    /// <param name="progress">0 … 1.</param>
    /// <param name="ct">Leaves what was written so far.</param>
    /// <exception cref="StorageException">24 attached, 144 no such VDI, 79 the image is bigger than the VDI, 46 the stream is not what the format says.</exception>
    public Task ImportAsync(string uuid, Stream body, long? length, string format, IProgress<double>? progress, CancellationToken ct) => throw NotYet();

    /// <summary>Writes a VDI out, flat (<c>raw</c>, <c>vhd</c>) or, as VHD with a base, only what differs from that ancestor.</summary>
    /// <exception cref="StorageException">24 attached for writing, 144 no such VDI, 46 the base is no ancestor or the format is unknown.</exception>
    public Task ExportAsync(string uuid, Stream to, string format, string? baseUuid, IProgress<double>? progress, CancellationToken ct) => throw NotYet();

    /// <summary>Opens a leaf and its chain for a guest and locks it until the disk is disposed.</summary>
    /// <exception cref="StorageException">24 attached already, 144 no such VDI or a parent of it, 46 writing to a VHD with children.</exception>
    public Task<Disk> AttachAsync(string uuid, bool readOnly, CancellationToken ct) => throw NotYet();

    public bool IsAttached(string uuid) => false;

    /// <summary>Lets the garbage collector run after the coalesce delay; kicks in between collapse into one run.</summary>
    public void KickGarbageCollection() => Changed?.Invoke(new StorageChange.Forgotten(""));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static StorageException NotYet() => new(StorageError.VdiUnavailable, "not there yet");
}
