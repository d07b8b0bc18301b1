using System.Buffers;
using System.Buffers.Binary;

namespace NovaShim.Vhd;

/// <summary>
/// Writes a disk, or what its newest images changed, as one image into a stream that cannot be rewound: tables first, then the blocks in
/// the disk's order. The length is known before the first byte. Holds the table and one block in memory.
/// </summary>
public sealed class VhdStreamWriter
{
    private readonly VhdChain _chain;
    private readonly int _files;
    private readonly uint[] _bat;
    private readonly byte[] _tables;
    private readonly byte[] _footer = new byte[VhdLayout.FooterSize];

    private VhdStreamWriter(VhdChain chain, int files, VhdFooter footer, uint[] bat, byte[] tables, long length)
    {
        _chain = chain;
        _files = files;
        _bat = bat;
        _tables = tables;
        Length = length;
        footer.Write(_footer);
    }

    /// <summary>Bytes the stream gets.</summary>
    public long Length { get; }

    /// <summary>Plans the whole disk as one dynamic image under the leaf's uuid.</summary>
    public static VhdStreamWriter ForDisk(VhdChain chain) => For(chain, int.MaxValue, null);

    /// <summary>Plans what the first <paramref name="files"/> images of a chain hold as one differencing image on a named parent.</summary>
    /// <param name="files">How many images, from the leaf on, make the difference.</param>
    /// <param name="parentUuid">Footer uuid of the image the receiver has to put it on.</param>
    /// <param name="parentName">That image's file name.</param>
    public static VhdStreamWriter ForChanges(VhdChain chain, int files, Guid parentUuid, string parentName) =>
        For(chain, files, new ParentLink(parentUuid, 0, parentName, "./" + parentName));

    /// <summary>Writes the image. The chain must not change meanwhile.</summary>
    /// <param name="progress">Told the bytes written so far, of <see cref="Length"/>.</param>
    public async Task WriteAsync(Stream to, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        await to.WriteAsync(_tables, cancellationToken);
        var written = (long)_tables.Length;
        var bitmapBytes = VhdLayout.BitmapSize(VhdLayout.DefaultBlockSize);

        // The bitmap stands at the end of the padding that brings the data to a 4096 boundary.
        var buffer = ArrayPool<byte>.Shared.Rent(VhdLayout.DataAlignment + VhdLayout.DefaultBlockSize);
        try
        {
            for (var block = 0; block < _bat.Length; block++)
            {
                if (_bat[block] == VhdLayout.Unallocated)
                {
                    continue;
                }

                var padding = (int)((_bat[block] * (long)VhdLayout.Sector) - written);
                var whole = buffer.AsMemory(0, padding + bitmapBytes + VhdLayout.DefaultBlockSize);
                FillBlock((long)block * VhdLayout.DefaultBlockSize, whole.Span[padding..], bitmapBytes);
                whole.Span[..padding].Clear();
                await to.WriteAsync(whole, cancellationToken);
                written += whole.Length;
                progress?.Report(written);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        await to.WriteAsync(_footer, cancellationToken);
        progress?.Report(Length);
    }

    private static VhdStreamWriter For(VhdChain chain, int files, ParentLink? link)
    {
        var footer = chain.Leaf.Footer with
        {
            Type = link is null ? VhdType.Dynamic : VhdType.Differencing,
            DataOffset = VhdLayout.HeaderOffset,
            Creator = VhdFooter.XenServerCreator,
            CreatorVersion = VhdFooter.XenServerCreatorVersion,
            Hidden = false,
        };
        using var tables = new MemoryMedium();
        VhdFile.LayDynamic(tables, footer, VhdCreateOptions.Default, link);
        var start = tables.Length - VhdLayout.FooterSize;
        tables.SetLength(start);

        var bat = new uint[(int)(VhdLayout.AlignUp(footer.CurrentSize, VhdLayout.DefaultBlockSize) / VhdLayout.DefaultBlockSize)];
        Array.Fill(bat, VhdLayout.Unallocated);
        var bitmapBytes = VhdLayout.BitmapSize(VhdLayout.DefaultBlockSize);
        foreach (var extent in chain.Extents(files))
        {
            for (var block = extent.Offset / VhdLayout.DefaultBlockSize; block * VhdLayout.DefaultBlockSize < extent.Offset + extent.Length; block++)
            {
                bat[block] = 0;
            }
        }

        Span<byte> entry = stackalloc byte[4];
        var end = start;
        for (var block = 0; block < bat.Length; block++)
        {
            if (bat[block] == 0)
            {
                var place = VhdLayout.AlignUp(end + bitmapBytes, VhdLayout.DataAlignment) - bitmapBytes;
                bat[block] = (uint)(place / VhdLayout.Sector);
                end = place + bitmapBytes + VhdLayout.DefaultBlockSize;
                BinaryPrimitives.WriteUInt32BigEndian(entry, bat[block]);
                tables.Write(VhdLayout.BatOffset + (block * 4L), entry);
            }
        }

        return new VhdStreamWriter(chain, files, footer, bat, tables.ToArray(), end + VhdLayout.FooterSize);
    }

    private void FillBlock(long offset, Span<byte> target, int bitmapBytes)
    {
        target.Clear();
        var length = (int)Math.Min(VhdLayout.DefaultBlockSize, _chain.VirtualSize - offset);
        for (var at = 0; at < length;)
        {
            var run = _chain.RunAt(offset + at, length - at, _files);
            if (run.Present)
            {
                _chain.Read(offset + at, target.Slice(bitmapBytes + at, (int)run.Length));
                SectorBits.Set(target[..bitmapBytes], at / VhdLayout.Sector, (int)(run.Length / VhdLayout.Sector));
            }

            at += (int)run.Length;
        }
    }
}
