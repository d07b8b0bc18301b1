using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NovaShim.Vhd;

/// <summary>A stretch of the disk with its data, which stays good until the next one is asked for.</summary>
public readonly record struct VhdChunk(long Offset, ReadOnlyMemory<byte> Data);

/// <summary>
/// Reads an image from a stream that cannot be rewound, as it comes over HTTP, holding its tables and one block in memory. The tables have
/// to come before the blocks, as XenServer and xapi's exports have them.
/// </summary>
public sealed class VhdStreamReader
{
    private const int FixedChunk = 1 << 20;
    private const ulong TablesWithin = 64 << 20;

    private readonly Stream _source;
    private readonly byte[] _start;
    private readonly uint[] _bat;
    private long _position;

    private VhdStreamReader(Stream source, byte[] start, VhdFooter? footer, VhdHeader? header, uint[] bat, long position)
    {
        _source = source;
        _start = start;
        _bat = bat;
        _position = position;
        Footer = footer;
        Header = header;
    }

    /// <summary>The footer; of a fixed image only known when all of it is read.</summary>
    public VhdFooter? Footer { get; private set; }

    /// <summary>The dynamic header; null for a fixed image.</summary>
    public VhdHeader? Header { get; }

    /// <summary>Reads the tables at the start. A stream that does not begin with a footer is taken for a fixed image, proven at its end.</summary>
    /// <exception cref="VhdFormatException">The tables are broken, or come after blocks.</exception>
    public static async Task<VhdStreamReader> OpenAsync(Stream source, CancellationToken cancellationToken = default)
    {
        var start = new byte[VhdLayout.Sector];
        await ReadExactlyAsync(source, start, 0, cancellationToken);
        var footer = VhdFooter.TryParse(start, out var problem);
        if (footer is null || footer.Type == VhdType.Fixed)
        {
            if (problem is not ("invalid cookie" or ""))
            {
                throw new VhdFormatException($"VHD stream: footer at its start: {problem}");
            }

            return new VhdStreamReader(source, start, null, null, [], VhdLayout.Sector);
        }

        var position = (long)VhdLayout.Sector;
        position = await SkipAsync(source, position, TablePlace(footer.DataOffset, "header"), "header", cancellationToken);
        var bytes = new byte[VhdLayout.HeaderSize];
        await ReadExactlyAsync(source, bytes, position, cancellationToken);
        position += bytes.Length;
        var header = VhdHeader.TryParse(bytes, out problem) ?? throw new VhdFormatException($"VHD stream: header: {problem}");
        if ((long)header.BatEntries * header.BlockSize < footer.CurrentSize)
        {
            throw new VhdFormatException($"VHD stream: {header.BatEntries} blocks cannot hold a disk of {footer.CurrentSize} bytes");
        }

        position = await SkipAsync(
            source, position, TablePlace((ulong)header.BatOffset, "block allocation table"), "block allocation table", cancellationToken);
        var bat = new byte[header.BatEntries * 4];
        await ReadExactlyAsync(source, bat, position, cancellationToken);
        position += bat.Length;
        var entries = MemoryMarshal.Cast<byte, uint>(bat).ToArray();
        if (BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.ReverseEndianness(entries, entries);
        }

        return new VhdStreamReader(source, start, footer, header, entries, position);
    }

    /// <summary>
    /// The image's own data, in the order it comes in the stream (which is not that of the disk). Ends when the closing footer has been
    /// read and agrees; whoever stores the data should not call it whole before.
    /// </summary>
    /// <exception cref="VhdFormatException">The stream ends early, blocks overlap, or it ends in no good footer.</exception>
    public IAsyncEnumerable<VhdChunk> ReadAsync(CancellationToken cancellationToken = default) =>
        Header is null ? ReadFixedAsync(cancellationToken) : ReadBlocksAsync(cancellationToken);

    private async IAsyncEnumerable<VhdChunk> ReadBlocksAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var header = Header!;
        var size = Footer!.CurrentSize;
        var bitmapBytes = VhdLayout.BitmapSize(header.BlockSize);
        var sectors = header.BlockSize / VhdLayout.Sector;
        var order = Enumerable.Range(0, _bat.Length).Where(block => _bat[block] != VhdLayout.Unallocated).ToArray();
        Array.Sort(order, (left, right) => _bat[left].CompareTo(_bat[right]));
        var buffer = ArrayPool<byte>.Shared.Rent(bitmapBytes + header.BlockSize);
        try
        {
            foreach (var block in order)
            {
                _position = await SkipAsync(_source, _position, _bat[block] * (long)VhdLayout.Sector, $"block {block}", cancellationToken);
                var whole = buffer.AsMemory(0, bitmapBytes + header.BlockSize);
                await ReadExactlyAsync(_source, whole, _position, cancellationToken);
                _position += whole.Length;
                for (var sector = 0; sector < sectors;)
                {
                    var end = SectorBits.EndOfRun(whole.Span[..bitmapBytes], sector, sectors, out var present);
                    var offset = ((long)block * header.BlockSize) + ((long)sector * VhdLayout.Sector);
                    var length = (int)Math.Min((end - sector) * (long)VhdLayout.Sector, size - offset);
                    if (present && length > 0)
                    {
                        yield return new VhdChunk(offset, whole.Slice(bitmapBytes + (sector * VhdLayout.Sector), length));
                    }

                    sector = end;
                }
            }

            await ReadClosingFooterAsync(cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async IAsyncEnumerable<VhdChunk> ReadFixedAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The last 512 bytes so far are held back: they may be the footer.
        var buffer = ArrayPool<byte>.Shared.Rent(FixedChunk + VhdLayout.FooterSize);
        try
        {
            _start.CopyTo(buffer, 0);
            var offset = 0L;
            while (true)
            {
                var count = await _source.ReadAtLeastAsync(
                    buffer.AsMemory(VhdLayout.FooterSize, FixedChunk), FixedChunk, throwOnEndOfStream: false, cancellationToken);
                if (count > 0)
                {
                    yield return new VhdChunk(offset, buffer.AsMemory(0, count));
                    offset += count;
                    buffer.AsSpan(count, VhdLayout.FooterSize).CopyTo(buffer);
                }

                if (count < FixedChunk)
                {
                    break;
                }
            }

            Footer = VhdFooter.TryParse(buffer.AsSpan(0, VhdLayout.FooterSize), out var problem);
            if (Footer is not { Type: VhdType.Fixed } || Footer.CurrentSize > offset)
            {
                throw new VhdFormatException($"VHD stream: neither start nor end is a good footer: {(problem.Length > 0 ? problem : "wrong type or size")}");
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task ReadClosingFooterAsync(CancellationToken cancellationToken)
    {
        var window = new byte[VhdLayout.FooterSize + (64 << 10)];
        var held = 0;
        while (true)
        {
            var count = await _source.ReadAsync(window.AsMemory(held), cancellationToken);
            if (count == 0)
            {
                break;
            }

            held += count;
            if (held > VhdLayout.FooterSize)
            {
                window.AsSpan(held - VhdLayout.FooterSize, VhdLayout.FooterSize).CopyTo(window);
                held = VhdLayout.FooterSize;
            }
        }

        if (held < VhdLayout.FooterSize || VhdFooter.TryParse(window.AsSpan(0, VhdLayout.FooterSize), out _)?.Uuid != Footer!.Uuid)
        {
            throw new VhdFormatException("VHD stream: it does not end with its footer: cut short");
        }
    }

    /// <summary>A table's place, when it is near enough to the start to be waited for.</summary>
    private static long TablePlace(ulong offset, string what) => offset <= TablesWithin
        ? (long)offset
        : throw new VhdFormatException($"VHD stream: its {what} at {offset} does not come before the blocks");

    private static async Task<long> SkipAsync(Stream source, long position, long to, string what, CancellationToken cancellationToken)
    {
        if (to < position)
        {
            throw new VhdFormatException($"VHD stream: its {what} at {to} lies over, or after, what should follow it");
        }

        var scrap = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            while (position < to)
            {
                var part = scrap.AsMemory(0, (int)Math.Min(scrap.Length, to - position));
                await ReadExactlyAsync(source, part, position, cancellationToken);
                position += part.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scrap);
        }

        return position;
    }

    private static async Task ReadExactlyAsync(Stream source, Memory<byte> buffer, long position, CancellationToken cancellationToken)
    {
        var count = await source.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        if (count < buffer.Length)
        {
            throw new VhdFormatException($"VHD stream: it ends at {position + count}, in the middle of what its tables say is there");
        }
    }
}
