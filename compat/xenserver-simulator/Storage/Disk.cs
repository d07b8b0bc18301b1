#pragma warning disable CA1822
namespace NovaShim.XenServerSimulator.Storage;

/// <summary>One attached leaf, as a guest sees it. Reads and writes wait while the repository works on the chain beneath.</summary>
internal sealed class Disk : IAsyncDisposable
{
    /// <summary>The VDI.</summary>
    public string Uuid { get; }

    /// <summary>Bytes.</summary>
    public long VirtualSize { get; }

    public bool ReadOnly { get; }

    internal Disk(string uuid, long virtualSize, bool readOnly) => (Uuid, VirtualSize, ReadOnly) = (uuid, virtualSize, readOnly);

    public ValueTask ReadAsync(long offset, Memory<byte> into, CancellationToken ct) => throw new StorageException(StorageError.VdiUnavailable, "not there yet");

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken ct) => throw new StorageException(StorageError.VdiUnavailable, "not there yet");

    public ValueTask FlushAsync(CancellationToken ct) => ValueTask.CompletedTask;

    /// <summary>Detaches.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
