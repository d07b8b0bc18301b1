using System.Buffers.Binary;

namespace NovaShim.XenServer.ConfigDrive;

/// <summary>
/// Writes files as an image of ISO 9660 (ECMA-119), which every guest can read and none can write. Its names are there three times: with Rock Ridge for Unix, with Joliet for Windows, and for readers that know neither.
/// <code>
///  sector 0   nothing: a boot loader's
///         16  the volume   17  the same for Joliet   18  the end of that
///         19  path tables, each with both byte orders; folders; the same for Joliet; files
/// </code>
/// </summary>
internal static class IsoImage
{
    private const int FirstDescriptor = 16;
    private const int FirstFree = 19;
    private const byte PrimaryVolume = 1, JolietVolume = 2, LastVolume = 255;

    /// <summary>The whole image, a multiple of 2,048 bytes.</summary>
    /// <param name="label">The volume's label, up to 16 characters: what a guest finds it by.</param>
    /// <param name="files">The files.</param>
    /// <param name="time">When it was made, UTC.</param>
    /// <exception cref="ArgumentException">A path that cannot be on such an image, or is there twice.</exception>
    public static byte[] Write(string label, IEnumerable<DriveFile> files, DateTime time)
    {
        var root = IsoNode.Tree(files);
        var plain = new Volume(new IsoHierarchy(root, joliet: false, time), Joliet: false, FirstFree);
        var joliet = new Volume(new IsoHierarchy(root, joliet: true, time), Joliet: true, plain.Place());
        var end = joliet.Place();
        var contents = FilesOf(root).ToList();
        foreach (var file in contents)
        {
            file.Sector = end;
            end += IsoBytes.Sectors(file.Content!.Value.Length);
        }

        var image = new byte[end * IsoBytes.Sector];
        plain.Write(image, FirstDescriptor, label, time);
        joliet.Write(image, FirstDescriptor + 1, label, time);
        Begin(image.AsSpan((FirstDescriptor + 2) * IsoBytes.Sector), LastVolume);
        foreach (var file in contents)
        {
            file.Content!.Value.Span.CopyTo(image.AsSpan(file.Sector * IsoBytes.Sector));
        }

        return image;
    }

    private static IEnumerable<IsoNode> FilesOf(IsoNode folder) => folder.Children.OrderBy(c => c.Name, StringComparer.Ordinal).SelectMany(c => c.IsFolder ? FilesOf(c) : [c]);

    private static void Begin(Span<byte> descriptor, byte type)
    {
        descriptor[0] = type;
        "CD001"u8.CopyTo(descriptor[1..]);
        descriptor[6] = 1;
    }

    private sealed record Volume(IsoHierarchy Hierarchy, bool Joliet, int Start)
    {
        private int TableSectors => IsoBytes.Sectors(Hierarchy.PathTableBytes);

        public int Place() => Hierarchy.Place(Start + (2 * TableSectors));

        public void Write(byte[] image, int sector, string label, DateTime time)
        {
            Describe(image.AsSpan(sector * IsoBytes.Sector, IsoBytes.Sector), image.Length / IsoBytes.Sector, label, time);
            Hierarchy.PathTable(big: false).CopyTo(image, Start * IsoBytes.Sector);
            Hierarchy.PathTable(big: true).CopyTo(image, (Start + TableSectors) * IsoBytes.Sector);
            Hierarchy.Write(image);
        }

        private void Describe(Span<byte> at, int sectors, string label, DateTime time)
        {
            Begin(at, Joliet ? JolietVolume : PrimaryVolume);
            IsoBytes.Text(at[8..40], "", Joliet);
            IsoBytes.Text(at[40..72], label, Joliet);
            IsoBytes.Both32(at[80..], sectors);
            if (Joliet)
            {
                // UCS-2, level 3: as long as names may be.
                "%/E"u8.CopyTo(at[88..]);
            }

            IsoBytes.Both16(at[120..], 1);
            IsoBytes.Both16(at[124..], 1);
            IsoBytes.Both16(at[128..], IsoBytes.Sector);
            IsoBytes.Both32(at[132..], Hierarchy.PathTableBytes);
            BinaryPrimitives.WriteInt32LittleEndian(at[140..], Start);
            BinaryPrimitives.WriteInt32BigEndian(at[148..], Start + TableSectors);
            Hierarchy.RootRecord().CopyTo(at[156..]);

            // Set, publisher, preparer and application; then the names of files about those, of which there are none.
            foreach (var (from, to) in new[] { (190, 318), (318, 446), (446, 574), (574, 702), (702, 739), (739, 776), (776, 813) })
            {
                IsoBytes.Text(at[from..to], "", Joliet);
            }

            IsoBytes.Long(at[813..], time);
            IsoBytes.Long(at[830..], time);
            IsoBytes.Long(at[847..], null);
            IsoBytes.Long(at[864..], null);
            at[881] = 1;
        }
    }
}
