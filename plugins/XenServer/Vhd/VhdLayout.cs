namespace NovaShim.Vhd;

/// <summary>Sizes and places of the format, as XenServer lays a file out. All in bytes unless said otherwise.</summary>
public static class VhdLayout
{
    /// <summary>A sector: the unit of addresses, of sector bitmaps and of own writes.</summary>
    public const int Sector = 512;

    /// <summary>The block size of every image written here (2 MiB). Images of others may have another one.</summary>
    public const int DefaultBlockSize = 2 << 20;

    /// <summary>The largest disk the format is used for: 2040 GiB.</summary>
    public const long MaxVirtualSize = 2040L << 30;

    internal const int FooterSize = Sector;
    internal const int HeaderOffset = FooterSize;
    internal const int HeaderSize = 1024;
    internal const int BatOffset = HeaderOffset + HeaderSize;

    /// <summary>Block data starts at multiples of this.</summary>
    internal const int DataAlignment = 4096;

    /// <summary>The room each parent locator gets.</summary>
    internal const int LocatorSpace = Sector;

    /// <summary>A BAT entry of a block that has no place in the file.</summary>
    internal const uint Unallocated = 0xFFFF_FFFF;

    /// <summary>What the end of an attached image is overwritten with.</summary>
    internal const byte AttachedFill = 0xC7;

    // What an opened file may ask for in memory and time: a 2040 GiB disk of 512 KiB blocks still fits.
    internal const int MaxBatEntries = 1 << 22;
    internal const int MinBlockSize = 4096;
    internal const int MaxBlockSize = 64 << 20;
    internal const int MaxLocatorLength = 4096;

    /// <summary>Files in one chain; XenServer stops at 30.</summary>
    internal const int MaxChain = 128;

    internal static long AlignUp(long value, long unit) => (value + unit - 1) / unit * unit;

    /// <summary>Bytes of a block's sector bitmap, padded to whole sectors.</summary>
    internal static int BitmapSize(int blockSize) => (int)AlignUp((blockSize / Sector + 7) / 8, Sector);
}
