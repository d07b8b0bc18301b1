namespace NovaShim.Vhd;

/// <summary>A sector bitmap: bit 7 of byte 0 is the block's first sector.</summary>
internal static class SectorBits
{
    /// <summary>The first sector at or after <paramref name="first"/> whose bit differs from that one's, or <paramref name="count"/>.</summary>
    public static int EndOfRun(ReadOnlySpan<byte> bitmap, int first, int count, out bool set)
    {
        set = IsSet(bitmap, first);
        var whole = set ? (byte)0xFF : (byte)0;
        var sector = first + 1;
        while (sector < count)
        {
            if ((sector & 7) == 0 && bitmap[sector >> 3] == whole)
            {
                sector += 8;
            }
            else if (IsSet(bitmap, sector) == set)
            {
                sector++;
            }
            else
            {
                return sector;
            }
        }

        return count;
    }

    /// <summary>Sets bits; false when all of them were set already.</summary>
    public static bool Set(Span<byte> bitmap, int first, int count)
    {
        var changed = false;
        for (var sector = first; sector < first + count;)
        {
            if ((sector & 7) == 0 && first + count - sector >= 8)
            {
                changed |= bitmap[sector >> 3] != 0xFF;
                bitmap[sector >> 3] = 0xFF;
                sector += 8;
                continue;
            }

            changed |= !IsSet(bitmap, sector);
            bitmap[sector >> 3] |= (byte)(0x80 >> (sector & 7));
            sector++;
        }

        return changed;
    }

    private static bool IsSet(ReadOnlySpan<byte> bitmap, int sector) => (bitmap[sector >> 3] & (0x80 >> (sector & 7))) != 0;
}
