namespace NovaShim.Vhd;

/// <summary>Cylinders, heads and sectors per track of a disk of 512-byte sectors, as the footer carries them.</summary>
public readonly record struct VhdGeometry(int Cylinders, int Heads, int SectorsPerTrack)
{
    private const int MaxCylinders = 65535;
    private const int MaxHeads = 16;

    /// <summary>How many bytes this geometry can address; at most the disk's size, usually a little less.</summary>
    public long Capacity => (long)Cylinders * Heads * SectorsPerTrack * VhdLayout.Sector;

    /// <summary>The geometry the VHD specification derives from a size in bytes (its appendix on CHS calculation).</summary>
    public static VhdGeometry ForSize(long bytes)
    {
        var sectors = Math.Min(bytes / VhdLayout.Sector, (long)MaxCylinders * MaxHeads * 255);
        if (sectors >= (long)MaxCylinders * MaxHeads * 63)
        {
            return Of(sectors / 255, MaxHeads, 255);
        }

        var tracks = sectors / 17;
        var heads = Math.Max(4, (tracks + 1023) / 1024);
        if (tracks < heads * 1024 && heads <= MaxHeads)
        {
            return Of(tracks, heads, 17);
        }

        tracks = sectors / 31;
        return tracks < MaxHeads * 1024 ? Of(tracks, MaxHeads, 31) : Of(sectors / 63, MaxHeads, 63);
    }

    internal static VhdGeometry Unpack(uint value) => new((int)(value >> 16), (int)(value >> 8 & 0xFF), (int)(value & 0xFF));

    internal uint Pack() => (uint)Cylinders << 16 | (uint)Heads << 8 | (uint)SectorsPerTrack;

    private static VhdGeometry Of(long tracks, long heads, int sectorsPerTrack) => new((int)(tracks / heads), (int)heads, sectorsPerTrack);

    public override string ToString() => $"{Cylinders}/{Heads}/{SectorsPerTrack}";
}
