using System.Buffers.Binary;

namespace NovaShim.Vhd;

/// <summary>
/// XenServer's addition to the format: one bit per block, set when every sector of the block is written, so that its sector bitmap
/// need not be read. It may lag behind the bitmaps (it is written last) but never runs ahead of them.
/// </summary>
internal sealed class VhdBatmap
{
    private const uint Version = 0x0001_0002;
    private const int MaxSectors = 4096;

    private readonly byte[] _map;

    private VhdBatmap(long offset, long mapOffset, byte[] map, byte marker)
    {
        Offset = offset;
        MapOffset = mapOffset;
        _map = map;
        Marker = marker;
    }

    private static ReadOnlySpan<byte> Cookie => "tdbatmap"u8;

    /// <summary>Where its header sector stands: right behind the BAT.</summary>
    public long Offset { get; }

    public byte Marker { get; }

    /// <summary>True while what is in memory is not what is in the file.</summary>
    public bool Changed { get; private set; }

    public long End => MapOffset + _map.Length;

    private long MapOffset { get; }

    /// <summary>Where the batmap of a BAT stands.</summary>
    public static long Place(long batOffset, int batEntries) => batOffset + VhdLayout.AlignUp(batEntries * 4L, VhdLayout.Sector);

    /// <summary>Sectors of the map of a disk; XenServer derives them from the size in whole groups of eight blocks.</summary>
    public static int MapSectors(long virtualSize) => (int)Math.Max(1, VhdLayout.AlignUp(virtualSize >> 24, VhdLayout.Sector) / VhdLayout.Sector);

    public static VhdBatmap Empty(long offset, int mapSectors) =>
        new(offset, offset + VhdLayout.Sector, new byte[mapSectors * VhdLayout.Sector], 0) { Changed = true };

    /// <summary>Reads the batmap at its place; null with <paramref name="problem"/> set when there is none that can be believed.</summary>
    public static VhdBatmap? TryRead(VhdMedium medium, long offset, long fileLength, out string problem)
    {
        Span<byte> header = stackalloc byte[VhdLayout.Sector];
        if (offset + header.Length > fileLength)
        {
            problem = "batmap beyond the end of the file";
            return null;
        }

        medium.Read(offset, header);
        var map = BinaryPrimitives.ReadUInt64BigEndian(header[8..]);
        var sectors = BinaryPrimitives.ReadUInt32BigEndian(header[16..]);
        if (!header[..8].SequenceEqual(Cookie))
        {
            problem = "invalid batmap cookie";
        }
        else if (sectors is 0 or > MaxSectors || map < (ulong)(offset + VhdLayout.Sector) || map > (ulong)fileLength ||
            (long)map + (sectors * VhdLayout.Sector) > fileLength)
        {
            problem = "invalid batmap size or offset";
        }
        else
        {
            var bytes = new byte[sectors * VhdLayout.Sector];
            medium.Read((long)map, bytes);
            if (VhdChecksum.Of(bytes) == BinaryPrimitives.ReadUInt32BigEndian(header[24..]))
            {
                problem = "";
                return new VhdBatmap(offset, (long)map, bytes, header[28]);
            }

            problem = "invalid batmap checksum";
        }

        return null;
    }

    public bool IsFull(int block) => block >> 3 < _map.Length && (_map[block >> 3] & (0x80 >> (block & 7))) != 0;

    public void SetFull(int block)
    {
        if (block >> 3 < _map.Length && !IsFull(block))
        {
            _map[block >> 3] |= (byte)(0x80 >> (block & 7));
            Changed = true;
        }
    }

    /// <summary>The same bits at another place and in another size, for a BAT that moved.</summary>
    public VhdBatmap MovedTo(long offset, int mapSectors)
    {
        var map = new byte[Math.Max(mapSectors * VhdLayout.Sector, _map.Length)];
        _map.CopyTo(map, 0);
        return new VhdBatmap(offset, offset + VhdLayout.Sector, map, Marker) { Changed = true };
    }

    /// <summary>Writes header and map; killed between the two, the checksum tells and the next reader does without.</summary>
    public void Write(VhdMedium medium)
    {
        Span<byte> header = stackalloc byte[VhdLayout.Sector];
        header.Clear();
        Cookie.CopyTo(header);
        BinaryPrimitives.WriteInt64BigEndian(header[8..], MapOffset);
        BinaryPrimitives.WriteInt32BigEndian(header[16..], _map.Length / VhdLayout.Sector);
        BinaryPrimitives.WriteUInt32BigEndian(header[20..], Version);
        BinaryPrimitives.WriteUInt32BigEndian(header[24..], VhdChecksum.Of(_map));
        header[28] = Marker;
        medium.Write(Offset, header);
        medium.Write(MapOffset, _map);
        Changed = false;
    }
}
