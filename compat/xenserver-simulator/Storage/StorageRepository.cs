using Microsoft.Extensions.Logging;
using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Storage;

/// <summary>
/// One file-based SR in a directory: real VHD files named <c>&lt;VDI uuid&gt;.vhd</c>. Thread-safe; every operation is serialized, as the storage manager
/// does it. Knows files only, no XenAPI records.
/// </summary>
internal sealed partial class StorageRepository : IAsyncDisposable
{
    private const long SizeStep = 2 << 20;
    private const long MaxSize = 2040L << 30;
    private const int MaxChain = 30;

    private readonly StorageOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _alone = new(1, 1);
    private readonly AttachLocks _locks = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _kick = new(0, 1);
    private readonly Task _collecting;

    private StorageRepository(string directory, StorageOptions options, TimeProvider time, ILogger log)
    {
        (Directory, _options, _time, _log) = (directory, options, time, log);
        _collecting = CollectAsync(_stop.Token);
    }

    /// <summary>Absolute path.</summary>
    public string Directory { get; }

    /// <summary>Raised after the garbage collector changed files; never under the repository's lock.</summary>
    public event Action<StorageChange>? Changed;

    /// <summary>Makes the directory where it is missing, completes or undoes what an earlier process was killed in, and kicks the garbage collector.</summary>
    /// <exception cref="IOException">The directory cannot be used, or a file that was being changed is broken.</exception>
    public static async Task<StorageRepository> OpenAsync(string directory, StorageOptions options, TimeProvider time, ILogger log, CancellationToken ct)
    {
        directory = Path.GetFullPath(directory);
        System.IO.Directory.CreateDirectory(directory);
        await Task.Run(() => Settle(directory, options, log), ct);
        StorageRepository repository = new(directory, options, time, log);
        repository.KickGarbageCollection();
        return repository;
    }

    /// <summary>An empty dynamic disk; the size (bytes) is rounded up to 2 MiB.</summary>
    /// <exception cref="StorageException">43 the uuid exists, 79 no such size, 78 the file could not be made (no space: its text has "error 28").</exception>
    public Task<VhdFacts> CreateAsync(string uuid, long virtualSize, CancellationToken ct) => AloneAsync(
        () =>
        {
            if (File.Exists(PathOf(uuid)))
            {
                throw new StorageException(StorageError.VdiExists, $"VDI {uuid} exists");
            }

            return Attempt(StorageError.VdiCreate, () =>
            {
                using VhdFile file = VhdFile.CreateDynamic(PathOf(uuid), RoundUp(virtualSize), NewFile);
                return VhdTree.FactsOf(file);
            });
        },
        ct);

    /// <summary>
    /// Snapshot (or clone): the leaf's file becomes a base copy, the leaf and the snapshot new empty children of it. The leaf may be attached: its guest
    /// waits meanwhile and goes on.
    /// </summary>
    /// <exception cref="StorageException">144 no such VDI, 109 chain too long, 81 anything else.</exception>
    public async Task<SnapshotFacts> SnapshotAsync(string uuid, CancellationToken ct)
    {
        SnapshotFacts facts = await AloneAsync(
            async () =>
            {
                VhdNode node = await RequireAsync(uuid, StorageError.CloneFailed, ct);
                if (node.Depth >= MaxChain)
                {
                    throw new StorageException(StorageError.ChainTooLong, $"the chain of {uuid} has {node.Depth} files");
                }

                using DiskHolds holds = await HoldAsync(u => u == uuid, ct);
                holds.Close();
                return Attempt(StorageError.CloneFailed, () => Snapshot(uuid));
            },
            ct);
        KickGarbageCollection();
        return facts;
    }

    /// <summary>Grows a detached leaf to at least so many bytes (rounded up to 2 MiB); the same size does nothing.</summary>
    /// <exception cref="StorageException">79 smaller or too big or no space, 24 attached, 144 no such VDI.</exception>
    public Task<VhdFacts> ResizeAsync(string uuid, long bytes, CancellationToken ct) => AloneAsync(
        async () =>
        {
            using Claim claim = new(_locks, uuid, readOnly: false);
            VhdNode node = await RequireAsync(uuid, StorageError.VdiSize, ct);
            long size = RoundUp(bytes);
            if (size < node.Facts.VirtualSize || node.Children.Count > 0)
            {
                string reason = node.Children.Count > 0 ? "it has children" : "shrinking is not possible";
                throw new StorageException(StorageError.VdiSize, $"VDI {uuid} of {node.Facts.VirtualSize} bytes cannot become {size}: {reason}");
            }

            return Attempt(StorageError.VdiSize, () =>
            {
                using VhdFile file = VhdFile.Open(PathOf(uuid), VhdAccess.ReadWrite);
                if (size > file.VirtualSize)
                {
                    file.Resize(size);
                    file.Flush();
                }

                return VhdTree.FactsOf(file);
            });
        },
        ct);

    /// <summary>Unlinks a detached VDI and kicks the garbage collector.</summary>
    /// <exception cref="StorageException">80 it has children, 24 attached, 144 no such VDI.</exception>
    public async Task DestroyAsync(string uuid, CancellationToken ct)
    {
        await AloneAsync(
            async () =>
            {
                using Claim claim = new(_locks, uuid, readOnly: false);
                VhdNode node = await RequireAsync(uuid, StorageError.VdiDelete, ct);
                if (node.Children is [var child, ..])
                {
                    throw new StorageException(StorageError.VdiDelete, $"VDI {uuid} has children, {child.Uuid} is one");
                }

                return Attempt(StorageError.VdiDelete, () =>
                {
                    File.Delete(PathOf(uuid));
                    return true;
                });
            },
            ct);
        KickGarbageCollection();
    }

    /// <summary>All VHDs directly in the directory but hidden ones without children; kicks the garbage collector.</summary>
    /// <exception cref="StorageException">40 when any file is broken; its text names the file.</exception>
    public async Task<IReadOnlyList<VhdFacts>> ScanAsync(CancellationToken ct)
    {
        VhdTree tree = await AloneAsync(() => ReadTreeAsync(StorageError.ScanFailed, ct), ct);
        KickGarbageCollection();
        return [.. tree.Nodes.Where(node => !node.Facts.Hidden || node.Children.Count > 0).Select(node => node.Facts)];
    }

    /// <summary>One file's facts, null when there is none.</summary>
    /// <exception cref="StorageException">65 the file is broken.</exception>
    public Task<VhdFacts?> FindAsync(string uuid, CancellationToken ct) => AloneAsync(
        async () =>
        {
            using DiskHolds holds = await HoldAsync(u => u == uuid, ct);
            return Attempt(StorageError.VdiLoad, () =>
            {
                if (!File.Exists(PathOf(uuid)))
                {
                    return null;
                }

                using VhdFile file = VhdFile.Open(PathOf(uuid));
                return VhdTree.FactsOf(file);
            });
        },
        ct);

    /// <summary>Opens a leaf and its chain for a guest and locks it until the disk is disposed.</summary>
    /// <exception cref="StorageException">24 attached already, 144 no such VDI, 46 a parent is missing or broken, or writing to a VHD with children.</exception>
    public Task<Disk> AttachAsync(string uuid, bool readOnly, CancellationToken ct) => AloneAsync(
        async () =>
        {
            VhdNode node = await RequireAsync(uuid, StorageError.VdiUnavailable, ct);
            if (!readOnly && (node.Facts.Hidden || node.Children.Count > 0))
            {
                throw new StorageException(StorageError.VdiUnavailable, $"VDI {uuid} is a base copy and cannot be written to");
            }

            _locks.Take(uuid, readOnly);
            try
            {
                Disk disk = Attempt(StorageError.VdiUnavailable, () => new Disk(uuid, PathOf(uuid), readOnly, _locks.Remove));
                _locks.Add(disk);
                return disk;
            }
            catch
            {
                _locks.Release(uuid, readOnly);
                throw;
            }
        },
        ct);

    public bool IsAttached(string uuid) => _locks.Holds(uuid);

    /// <summary>Lets the garbage collector run after the coalesce delay; kicks in between collapse into one run.</summary>
    public void KickGarbageCollection()
    {
        try
        {
            _kick.Release();
        }
        catch (SemaphoreFullException)
        {
            // A run is due already.
        }
    }

    /// <summary>Ends the garbage collector between two steps and detaches what is attached still.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _collecting;
        foreach (Disk disk in _locks.DisksOf(_ => true))
        {
            await disk.DisposeAsync();
        }

        _stop.Dispose();
        _kick.Dispose();
        _alone.Dispose();
    }

    private VhdCreateOptions NewFile => new() { Time = _time };

    private static long RoundUp(long size) =>
        size is <= 0 or > MaxSize
            ? throw new StorageException(StorageError.VdiSize, $"{size} bytes are not between 1 and {MaxSize}")
            : (size + SizeStep - 1) / SizeStep * SizeStep;

    /// <exception cref="StorageException">144 for what is no file name of a VDI.</exception>
    private string PathOf(string uuid) =>
        uuid.Length == 0 || uuid.AsSpan().IndexOfAny('/', '\0') >= 0 ? throw StorageException.Missing(uuid) : StorageIntent.VhdIn(Directory, uuid);

    /// <exception cref="StorageException">144 no such file, or that number where the directory cannot be read.</exception>
    private async Task<VhdNode> RequireAsync(string uuid, int number, CancellationToken ct) =>
        (File.Exists(PathOf(uuid)) ? await ReadTreeAsync(number, ct) : null)?.Find(uuid) ?? throw StorageException.Missing(uuid);

    /// <summary>Guests wait for the moment: a file that just then gets a block is neither its old length nor its new one.</summary>
    private async Task<VhdTree> ReadTreeAsync(int number, CancellationToken ct)
    {
        using DiskHolds holds = await HoldAsync(_ => true, ct);
        return Attempt(number, () => VhdTree.Read(Directory));
    }

    private Task<T> AloneAsync<T>(Func<T> work, CancellationToken ct) => AloneAsync(() => Task.FromResult(work()), ct);

    private async Task<T> AloneAsync<T>(Func<Task<T>> work, CancellationToken ct)
    {
        await _alone.WaitAsync(ct);
        try
        {
            // Files are read and written without waiting: not on the caller's thread.
            return await Task.Run(
                async () =>
                {
                    await SettleAsync(ct);
                    return await work();
                },
                ct);
        }
        finally
        {
            _alone.Release();
        }
    }

    /// <summary>What an operation that failed half-way left intended is settled before anything else is begun.</summary>
    private async Task SettleAsync(CancellationToken ct)
    {
        if (!StorageIntent.IsPending(Directory))
        {
            return;
        }

        using DiskHolds holds = await HoldAsync(_ => true, ct);
        holds.Close();
        Attempt(StorageError.VdiUnavailable, () => Settle(Directory, _options, _log));
    }

    private static bool Settle(string directory, StorageOptions options, ILogger log)
    {
        if (StorageIntent.Pending(directory) is not { } pending)
        {
            return false;
        }

        LogSettling(log, directory, pending);
        pending.Settle(directory, options.BetweenSteps);
        StorageIntent.Clear(directory);
        return true;
    }

    private static T Attempt<T>(int number, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw StorageException.From(number, e);
        }
    }

    /// <summary>Keeps the guests of those VDIs waiting.</summary>
    private async Task<DiskHolds> HoldAsync(Func<string, bool> uuids, CancellationToken ct)
    {
        DiskHolds holds = new();
        try
        {
            foreach (Disk disk in _locks.DisksOf(uuids))
            {
                holds.Add(await disk.HoldAsync(ct));
            }

            return holds;
        }
        catch
        {
            holds.Dispose();
            throw;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Directory}: interrupted earlier, now settled: {Intent}")]
    private static partial void LogSettling(ILogger log, string directory, StorageIntent intent);

    /// <summary>A lock for the time of one operation.</summary>
    private readonly struct Claim : IDisposable
    {
        private readonly AttachLocks _locks;
        private readonly string _uuid;
        private readonly bool _readOnly;

        public Claim(AttachLocks locks, string uuid, bool readOnly)
        {
            locks.Take(uuid, readOnly);
            (_locks, _uuid, _readOnly) = (locks, uuid, readOnly);
        }

        public void Dispose() => _locks.Release(_uuid, _readOnly);
    }

    /// <summary>Several disks that stand still.</summary>
    private sealed class DiskHolds : IDisposable
    {
        private readonly List<Disk.DiskHold> _holds = [];

        public void Add(Disk.DiskHold hold) => _holds.Add(hold);

        public void Close() => _holds.ForEach(hold => hold.Close());

        public void Dispose() => _holds.ForEach(hold => hold.Dispose());
    }
}
