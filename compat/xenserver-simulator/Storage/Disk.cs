using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Storage;

/// <summary>
/// One attached VDI, as a guest sees it. Reads and writes wait while the repository holds the disk to change the chain beneath; afterwards they go on with
/// the chain as it is then, under the same name.
/// </summary>
internal sealed class Disk : IAsyncDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly string _path;
    private readonly Action<Disk> _detached;
    private VhdChain? _chain;
    private StorageException? _failure;
    private bool _disposed;

    /// <summary>Opens the chain.</summary>
    /// <exception cref="IOException">It is not whole.</exception>
    internal Disk(string uuid, string path, bool readOnly, Action<Disk> detached)
    {
        (Uuid, ReadOnly, _path, _detached) = (uuid, readOnly, path, detached);
        _chain = OpenChain();
        VirtualSize = _chain.VirtualSize;
    }

    /// <summary>The VDI.</summary>
    public string Uuid { get; }

    /// <summary>Bytes.</summary>
    public long VirtualSize { get; }

    public bool ReadOnly { get; }

    /// <summary>Fills the buffer from a virtual offset.</summary>
    /// <exception cref="StorageException">46 the chain could not be opened again after the repository had worked on it.</exception>
    public async ValueTask ReadAsync(long offset, Memory<byte> into, CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            Chain.Read(offset, into.Span);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Writes at a virtual offset.</summary>
    /// <exception cref="IOException">The SR is full; the sectors keep what they held.</exception>
    /// <exception cref="StorageException">46 read-only, or the chain could not be opened again.</exception>
    public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            if (ReadOnly)
            {
                throw new StorageException(StorageError.VdiUnavailable, $"VDI {Uuid} is attached read-only");
            }

            Chain.Write(offset, data.Span);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Returns when everything written is durable.</summary>
    public async ValueTask FlushAsync(CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            Chain.Flush();
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Detaches: what an open leaf keeps in memory is written back, and the VDI is free.</summary>
    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync(CancellationToken.None);
        try
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _chain?.Dispose();
            _chain = null;
        }
        finally
        {
            _turn.Release();
            _detached(this);
        }
    }

    /// <summary>Waits for the request under way and keeps new ones waiting, until the hold is disposed.</summary>
    internal async Task<DiskHold> HoldAsync(CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        return new DiskHold(this);
    }

    private VhdChain Chain =>
        _disposed ? throw new StorageException(StorageError.VdiUnavailable, $"VDI {Uuid} is detached") : _chain ?? throw _failure!;

    private VhdChain OpenChain() => VhdChain.Open(_path, ReadOnly ? VhdAccess.Read : VhdAccess.Attached);

    /// <summary>A disk that stands still.</summary>
    internal sealed class DiskHold(Disk disk) : IDisposable
    {
        /// <summary>Closes the files; disposing the hold opens them again.</summary>
        public void Close()
        {
            disk._chain?.Dispose();
            disk._chain = null;
        }

        public void Dispose()
        {
            try
            {
                if (disk is { _disposed: false, _chain: null })
                {
                    disk._chain = disk.OpenChain();
                    disk._failure = null;
                }
            }
            catch (IOException e)
            {
                // The guest's next request fails with it, as it would with a dead tapdisk; the next hold tries again.
                disk._failure = StorageException.From(StorageError.VdiUnavailable, e);
            }
            finally
            {
                disk._turn.Release();
            }
        }
    }
}
