namespace NovaShim.XenServer.Servers;

/// <summary>Hands what is written to it on, and remembers the first and the last bytes. Does not own where it goes.</summary>
internal sealed class StreamEnds(int size) : Stream
{
    private readonly byte[] _first = new byte[size];
    private readonly byte[] _last = new byte[size];
    private long _length;

    /// <summary>Where the bytes go.</summary>
    public Stream To { get; set; } = Null;

    /// <summary>The first bytes, as many as there are.</summary>
    public ReadOnlySpan<byte> First => _first.AsSpan(0, (int)Math.Min(size, _length));

    /// <summary>The last bytes, as many as there are.</summary>
    public ReadOnlySpan<byte> Last => _length >= size ? _last : First;

    /// <summary>How many bytes went through.</summary>
    public override long Length => _length;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Position { get => _length; set => throw new NotSupportedException(); }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await To.WriteAsync(buffer, cancellationToken);
        Remember(buffer.Span);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count)
    {
        To.Write(buffer, offset, count);
        Remember(buffer.AsSpan(offset, count));
    }

    public override void Flush() => To.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private void Remember(ReadOnlySpan<byte> bytes)
    {
        if (_length < size)
        {
            bytes[..(int)Math.Min(bytes.Length, size - _length)].CopyTo(_first.AsSpan((int)_length));
        }

        if (bytes.Length >= size)
        {
            bytes[^size..].CopyTo(_last);
        }
        else
        {
            _last.AsSpan(bytes.Length).CopyTo(_last);
            bytes.CopyTo(_last.AsSpan(size - bytes.Length));
        }

        _length += bytes.Length;
    }
}
