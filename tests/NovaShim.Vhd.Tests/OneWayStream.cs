namespace NovaShim.Vhd.Tests;

/// <summary>Bytes as they come over a connection: forwards only, in pieces of odd sizes.</summary>
internal sealed class OneWayStream(byte[] bytes) : Stream
{
    private int _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count)
    {
        count = Math.Min(Math.Min(count, 40_003), bytes.Length - _position);
        Array.Copy(bytes, _position, buffer, offset, count);
        _position += count;
        return count;
    }

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
