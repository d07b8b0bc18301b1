using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace NovaShim.Vhd;

public sealed partial class VhdFile
{
    /// <summary>
    /// Opens an image and proves its structures: checksums, that every table and block lies within the file, that no two of them overlap.
    /// </summary>
    /// <exception cref="VhdFormatException">The file is no VHD, or a broken one.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static VhdFile Open(string path, VhdAccess access = VhdAccess.Read)
    {
        path = System.IO.Path.GetFullPath(path);
        return Open(FileMedium.Open(path, access != VhdAccess.Read), path, access);
    }

    /// <summary>Opens what a medium holds, and owns the medium from then on, also when it fails.</summary>
    internal static VhdFile Open(VhdMedium medium, string path, VhdAccess access)
    {
        try
        {
            return OpenOwned(medium, path, access, believeEnd: true);
        }
        catch
        {
            medium.Dispose();
            throw;
        }
    }

    private static VhdFile OpenOwned(VhdMedium medium, string path, VhdAccess access, bool believeEnd)
    {
        var footer = ReadFooter(medium, path, believeEnd, out var endFooterStands);
        VhdFile file;
        if (footer.Type == VhdType.Fixed)
        {
            if (footer.CurrentSize > medium.Length - VhdLayout.FooterSize)
            {
                throw new VhdFormatException($"{path}: fixed disk of {footer.CurrentSize} bytes in a file of {medium.Length}");
            }

            file = new VhdFile(medium, path, access, footer, null, []) { _end = medium.Length - VhdLayout.FooterSize, _trailerStands = true };
        }
        else
        {
            var header = ReadHeader(medium, path, footer);
            var bat = ReadBat(medium, path, header);

            // The length again: the writer of an image that is in use makes the room of a block before it enters it in the table.
            var length = medium.Length;
            file = new VhdFile(medium, path, access, footer, header, ReadParents(medium, path, header, length)) { _bat = bat };
            var endOfBlocks = file.CheckPlaces(length);
            if (endFooterStands && endOfBlocks > length - VhdLayout.FooterSize)
            {
                // What looks like a footer is a guest's data at the end of a block, in a file that was never closed.
                return OpenOwned(medium, path, access, believeEnd: false);
            }

            file._batmap = file.OpenBatmap(length, out var endOfTables);
            file._trailerStands = endFooterStands;
            file._end = endFooterStands
                ? length - VhdLayout.FooterSize
                : VhdLayout.AlignUp(Math.Max(endOfBlocks, endOfTables), VhdLayout.Sector);
        }

        if (access == VhdAccess.Attached)
        {
            file.WriteTrailer();
        }

        return file;
    }

    /// <summary>
    /// The end footer, or where there is none (a writer was killed, or has the image attached) the copy at 0. When both are good but
    /// of different images, the copy: the last sector of an image that was not closed is the guest's data, and may pretend.
    /// </summary>
    private static VhdFooter ReadFooter(VhdMedium medium, string path, bool believeEnd, out bool endFooterStands)
    {
        var length = medium.Length;
        endFooterStands = false;
        if (length < VhdLayout.FooterSize)
        {
            throw new VhdFormatException($"{path}: {length} bytes are too few for a VHD footer");
        }

        Span<byte> bytes = stackalloc byte[VhdLayout.FooterSize];
        medium.Read(length - VhdLayout.FooterSize, bytes);
        var end = VhdFooter.TryParse(bytes, out var endProblem);
        if (!believeEnd)
        {
            (end, endProblem) = (null, "none");
        }

        if (end is { Type: VhdType.Fixed })
        {
            endFooterStands = true;
            return end;
        }

        medium.Read(0, bytes);
        var copy = VhdFooter.TryParse(bytes, out var copyProblem);
        if (copy is { Type: VhdType.Fixed })
        {
            copy = null;
            copyProblem = "a fixed disk's";
        }

        endFooterStands = end is not null && (copy is null || copy.Uuid == end.Uuid) && length >= 2 * VhdLayout.FooterSize;
        return (endFooterStands ? end : copy)
            ?? throw new VhdFormatException($"{path}: no good footer: {endProblem} at the end, {copyProblem} at the start");
    }

    private static VhdHeader ReadHeader(VhdMedium medium, string path, VhdFooter footer)
    {
        if (footer.DataOffset < VhdLayout.FooterSize || footer.DataOffset % VhdLayout.Sector != 0 ||
            footer.DataOffset > (ulong)Math.Max(0, medium.Length - VhdLayout.HeaderSize))
        {
            throw new VhdFormatException($"{path}: the header's offset {footer.DataOffset} is not within the file");
        }

        Span<byte> bytes = stackalloc byte[VhdLayout.HeaderSize];
        medium.Read((long)footer.DataOffset, bytes);
        var header = VhdHeader.TryParse(bytes, out var problem) ?? throw new VhdFormatException($"{path}: header: {problem}");
        if ((long)header.BatEntries * header.BlockSize < footer.CurrentSize)
        {
            throw new VhdFormatException(
                $"{path}: {header.BatEntries} blocks of {header.BlockSize} bytes cannot hold a disk of {footer.CurrentSize}");
        }

        return header;
    }

    private static uint[] ReadBat(VhdMedium medium, string path, VhdHeader header)
    {
        if (header.BatOffset < VhdLayout.FooterSize || header.BatOffset + (header.BatEntries * 4L) > medium.Length)
        {
            throw new VhdFormatException($"{path}: the block allocation table at {header.BatOffset} is not within the file");
        }

        var bat = new uint[header.BatEntries];
        var bytes = MemoryMarshal.AsBytes(bat.AsSpan());
        medium.Read(header.BatOffset, bytes);
        if (BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.ReverseEndianness(bat, bat);
        }

        return bat;
    }

    private static List<string> ReadParents(VhdMedium medium, string path, VhdHeader header, long length)
    {
        var paths = new List<string>();
        foreach (var locator in header.Locators)
        {
            if (!locator.Known || locator.Length == 0)
            {
                continue;
            }

            if (locator.Length > VhdLayout.MaxLocatorLength || locator.Offset > (ulong)length || (long)locator.Offset + locator.Length > length)
            {
                throw new VhdFormatException($"{path}: the parent locator at {locator.Offset} is not within the file");
            }

            var bytes = new byte[locator.Length];
            medium.Read((long)locator.Offset, bytes);
            if (VhdLocator.Decode(locator.Code, bytes) is { } decoded && !paths.Contains(decoded))
            {
                paths.Add(decoded);
            }
        }

        return paths;
    }

    /// <summary>Proves that no block overlaps a table or another block, and gives the end of the last one.</summary>
    private long CheckPlaces(long length)
    {
        var header = Header!;
        var blockBytes = VhdLayout.BitmapSize(header.BlockSize) + (long)header.BlockSize;
        var batEnd = header.BatOffset + (header.BatEntries * 4L);
        var headerStart = (long)Footer.DataOffset;
        if (Overlap(header.BatOffset, batEnd, headerStart, headerStart + VhdLayout.HeaderSize))
        {
            throw new VhdFormatException($"{Path}: the block allocation table lies over the header");
        }

        var starts = _bat.Where(entry => entry != VhdLayout.Unallocated).ToArray();
        Array.Sort(starts);
        var previousEnd = (long)VhdLayout.FooterSize;
        foreach (var sector in starts)
        {
            var start = (long)sector * VhdLayout.Sector;
            var end = start + blockBytes;
            if (end > length)
            {
                throw new VhdFormatException($"{Path}: a block at {start} reaches beyond the end of the file at {length}");
            }

            if (start < previousEnd || Overlap(start, end, header.BatOffset, batEnd) ||
                Overlap(start, end, headerStart, headerStart + VhdLayout.HeaderSize))
            {
                throw new VhdFormatException($"{Path}: a block at {start} lies over another structure");
            }

            previousEnd = end;
        }

        return previousEnd;
    }

    /// <summary>
    /// The batmap, where the creator keeps one. One that cannot be believed is begun anew: the sector bitmaps are the truth.
    /// Where blocks or locators lie in its place (others' tools put them there) the image goes without.
    /// </summary>
    private VhdBatmap? OpenBatmap(long length, out long endOfTables)
    {
        var header = Header!;
        var place = VhdBatmap.Place(header.BatOffset, header.BatEntries);
        endOfTables = Math.Max(place, (long)Footer.DataOffset + VhdLayout.HeaderSize);
        foreach (var locator in header.Locators)
        {
            if (locator.Offset <= (ulong)length)
            {
                endOfTables = Math.Max(endOfTables, Math.Min((long)locator.Offset + locator.SpaceInBytes, length));
            }
        }

        if (!Footer.HasBatmap)
        {
            return null;
        }

        var batmap = VhdBatmap.TryRead(_medium, place, length, out _)
            ?? VhdBatmap.Empty(place, VhdBatmap.MapSectors(Math.Max(VirtualSize, FastResizeLimit)));
        if (batmap.End > length || LocatorsWithin(place, batmap.End) || BlocksWithin(place, batmap.End))
        {
            return null;
        }

        endOfTables = Math.Max(endOfTables, batmap.End);
        return batmap;
    }

    private bool BlocksWithin(long start, long end) =>
        _bat.Any(entry => entry != VhdLayout.Unallocated && entry * (long)VhdLayout.Sector is var block && block >= start && block < end);

    private bool LocatorsWithin(long start, long end) => Header!.Locators.Any(locator =>
        locator.Offset < (ulong)end && Overlap((long)locator.Offset, (long)locator.Offset + locator.SpaceInBytes, start, end));

    private static bool Overlap(long start, long end, long otherStart, long otherEnd) => start < otherEnd && otherStart < end;
}
