using System.Buffers;
using System.Buffers.Binary;

namespace NovaShim.Vhd;

public sealed partial class VhdFile
{
    /// <summary>
    /// Grows the disk; the new end reads as zeros. Where the block allocation table has no room for the new blocks it moves, batmap and all,
    /// to the end of the file, and the header then names the new one: killed at any point the image has either the old size or the new.
    /// </summary>
    /// <param name="virtualSize">Bytes, whole sectors, at least the size now and at most 2040 GiB.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is smaller than now, too large or not in whole sectors.</exception>
    public void Resize(long virtualSize)
    {
        RequireWritable();
        if (_access == VhdAccess.Attached)
        {
            throw new InvalidOperationException($"{Path} is attached and cannot be resized");
        }

        if (virtualSize < VirtualSize || virtualSize > VhdLayout.MaxVirtualSize || virtualSize % VhdLayout.Sector != 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(virtualSize), virtualSize, $"A disk of {VirtualSize} bytes grows in whole sectors, to at most {VhdLayout.MaxVirtualSize} bytes");
        }

        var oldEnd = _end;
        if (Header is not null && virtualSize > FastResizeLimit)
        {
            ExtendBat((int)(VhdLayout.AlignUp(virtualSize, BlockSize) / BlockSize));
        }

        Footer = Footer with { CurrentSize = virtualSize, Geometry = VhdGeometry.ForSize(virtualSize) };
        if (Header is not null)
        {
            WriteFooters();
        }
        else if (virtualSize > oldEnd)
        {
            // The new footer first: a fixed image has no copy of it. Only then is the old one wiped from what is now the disk.
            _end = virtualSize;
            WriteEndFooter();
            Fill(_medium, oldEnd, Math.Min(VhdLayout.FooterSize, virtualSize - oldEnd), 0);
        }
    }

    /// <summary>Writes both footers anew, the end one where the file's tables end: after a writer was killed.</summary>
    public void Repair()
    {
        RequireWritable();
        WriteEndFooter();
        WriteFooters();
    }

    private void ExtendBat(int entries)
    {
        var header = Header!;
        var oldEnd = header.BatOffset + (header.BatEntries * 4L);
        var newEnd = header.BatOffset + (entries * 4L);
        var bat = new uint[entries];
        _bat.CopyTo(bat, 0);
        Array.Fill(bat, VhdLayout.Unallocated, _bat.Length, entries - _bat.Length);

        if (newEnd <= VhdLayout.AlignUp(oldEnd, VhdLayout.Sector) && !LocatorsWithin(oldEnd, newEnd))
        {
            // The padding of the table's last sector suffices.
            Fill(_medium, oldEnd, newEnd - oldEnd, 0xFF);
            header = header with { BatEntries = entries };
        }
        else
        {
            header = header with { BatEntries = entries, BatOffset = _end };
            WriteBat(bat, header.BatOffset);
            var place = VhdBatmap.Place(header.BatOffset, entries);
            var sectors = VhdBatmap.MapSectors((long)entries * BlockSize);
            _batmap = Footer.HasBatmap ? _batmap?.MovedTo(place, sectors) ?? VhdBatmap.Empty(place, sectors) : null;
            _batmap?.Write(_medium);
            _end = _batmap?.End ?? place;
            WriteTrailer();
        }

        WriteHeader(header);
        _bat = bat;
    }

    private void WriteBat(uint[] bat, long offset)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
        for (var done = 0; done < bat.Length;)
        {
            var count = Math.Min(buffer.Length / 4, bat.Length - done);
            for (var i = 0; i < count; i++)
            {
                BinaryPrimitives.WriteUInt32BigEndian(buffer.AsSpan(i * 4), bat[done + i]);
            }

            _medium.Write(offset + (done * 4L), buffer.AsSpan(0, count * 4));
            done += count;
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }
}
