namespace NovaShim.Vhd.Tests;

/// <summary>Remembers every change to an image in order, so that a process killed after any of them can be played.</summary>
internal sealed class RecordingMedium(byte[] before) : VhdMedium
{
    private const int Page = 4096;

    private readonly MemoryMedium _now = new(before);
    private readonly List<(long Offset, byte[]? Bytes)> _changes = [];

    public int Changes => _changes.Count;

    public override long Length => _now.Length;

    public override DateTimeOffset ChangedAt => _now.ChangedAt;

    /// <summary>
    /// Every image a kill can leave: after each change, and within changes of more than a page after some of their pages.
    /// The number says how many changes were complete.
    /// </summary>
    public IEnumerable<(int Complete, byte[] Image)> Remains()
    {
        var image = new MemoryMedium(before);
        yield return (0, image.ToArray());
        for (var i = 0; i < _changes.Count; i++)
        {
            var (offset, bytes) = _changes[i];
            if (bytes is { Length: > Page })
            {
                var torn = new MemoryMedium(image.ToArray());
                torn.Write(offset, bytes.AsSpan(0, bytes.Length / 2 / Page * Page));
                yield return (i, torn.ToArray());
            }

            if (bytes is null)
            {
                image.SetLength(offset);
            }
            else
            {
                image.Write(offset, bytes);
            }

            yield return (i + 1, image.ToArray());
        }
    }

    public override void Read(long offset, Span<byte> buffer) => _now.Read(offset, buffer);

    public override void Write(long offset, ReadOnlySpan<byte> buffer)
    {
        _changes.Add((offset, buffer.ToArray()));
        _now.Write(offset, buffer);
    }

    public override void SetLength(long length)
    {
        _changes.Add((length, null));
        _now.SetLength(length);
    }

    public override void Flush()
    {
    }

    public override void Dispose()
    {
    }
}
