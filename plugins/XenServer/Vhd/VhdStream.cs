namespace NovaShim.Vhd;

/// <summary>A disk as a stream of its raw bytes: as long as its virtual size, seekable, writable when the leaf is.</summary>
/// <param name="chain">The disk.</param>
/// <param name="leaveOpen">Whether the chain outlives the stream.</param>
public sealed class VhdStream(VhdChain chain, bool leaveOpen = false) : Stream
{
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => chain.Leaf.CanWrite;

    public override long Length => chain.VirtualSize;

    public override long Position
    {
        get => _position;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _position = value;
        }
    }

    /// <summary>Opens an image with its parents as a stream.</summary>
    public static VhdStream Open(string path, VhdAccess access = VhdAccess.Read) => new(VhdChain.Open(path, access));

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        var count = (int)Math.Clamp(Length - _position, 0, buffer.Length);
        chain.Read(_position, buffer[..count]);
        _position += count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    // Files have no waiting that a thread could be spared: the read runs on a pool thread, as the framework's own file streams do here.
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        new(Task.Run(() => Read(buffer.Span), cancellationToken));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (!CanWrite)
        {
            throw new NotSupportedException("The disk is open for reading only");
        }

        chain.Write(_position, buffer);
        _position += buffer.Length;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        new(Task.Run(() => Write(buffer.Span), cancellationToken));

    public override void Flush()
    {
        if (CanWrite)
        {
            chain.Flush();
        }
    }

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => Length + offset,
    };

    /// <summary>A disk does not change its size this way.</summary>
    public override void SetLength(long value) => throw new NotSupportedException("A disk is grown by VhdFile.Resize");

    protected override void Dispose(bool disposing)
    {
        if (disposing && !leaveOpen)
        {
            chain.Dispose();
        }

        base.Dispose(disposing);
    }
}
