namespace NovaShim.Vhd;

/// <summary>An image's tables in memory: to be streamed from there, or to be tried out.</summary>
internal sealed class MemoryMedium : VhdMedium
{
    private readonly MemoryStream _bytes = new();

    public MemoryMedium()
    {
    }

    public MemoryMedium(ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
    }

    public override long Length => _bytes.Length;

    public override DateTimeOffset ChangedAt => DateTimeOffset.UnixEpoch;

    public byte[] ToArray() => _bytes.ToArray();

    public override void Read(long offset, Span<byte> buffer)
    {
        _bytes.Position = offset;
        if (_bytes.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) < buffer.Length)
        {
            throw new VhdFormatException($"the image ends at {_bytes.Length}, in the middle of what its tables say is there");
        }
    }

    public override void Write(long offset, ReadOnlySpan<byte> buffer)
    {
        _bytes.Position = offset;
        _bytes.Write(buffer);
    }

    public override void SetLength(long length) => _bytes.SetLength(length);

    public override void Flush()
    {
    }

    public override void Dispose()
    {
        // What was written can still be taken.
    }
}
