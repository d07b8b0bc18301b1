namespace NovaShim.Vhd;

public sealed partial class VhdFile
{
    /// <summary>Makes a fixed image: the whole disk (sparse where the file system allows it), then the footer. Returned open for writing.</summary>
    /// <param name="virtualSize">Bytes, whole sectors, at most 2040 GiB.</param>
    public static VhdFile CreateFixed(string path, long virtualSize, VhdCreateOptions? options = null)
    {
        options ??= VhdCreateOptions.Default;
        return Create(path, options, medium => LayFixed(medium, NewFooter(VhdType.Fixed, virtualSize, options)));
    }

    /// <summary>Makes an empty dynamic image. Returned open for writing.</summary>
    /// <param name="virtualSize">Bytes, whole sectors, at most 2040 GiB.</param>
    public static VhdFile CreateDynamic(string path, long virtualSize, VhdCreateOptions? options = null)
    {
        options ??= VhdCreateOptions.Default;
        return Create(path, options, medium => LayDynamic(medium, NewFooter(VhdType.Dynamic, virtualSize, options), options, null));
    }

    /// <summary>
    /// Makes an empty differencing image: a snapshot of the parent, as large as it (or larger), linked to it by a path relative to the
    /// new file's directory. The parent must not be written to any more. Returned open for writing.
    /// </summary>
    /// <param name="virtualSize">Bytes, at least the parent's; null for the parent's.</param>
    public static VhdFile CreateDifferencing(string path, string parentPath, long? virtualSize = null, VhdCreateOptions? options = null)
    {
        options ??= VhdCreateOptions.Default;
        using var parent = Open(parentPath);
        var link = ParentLink.To(parent, path);
        if (virtualSize < parent.VirtualSize)
        {
            throw new ArgumentOutOfRangeException(nameof(virtualSize), virtualSize, $"smaller than the parent's {parent.VirtualSize} bytes");
        }

        return Create(path, options, medium =>
            LayDynamic(medium, NewFooter(VhdType.Differencing, virtualSize ?? parent.VirtualSize, options), options, link));
    }

    /// <summary>Lays an image out in a medium that is empty.</summary>
    internal static void LayDynamic(VhdMedium medium, VhdFooter footer, VhdCreateOptions options, ParentLink? link)
    {
        var room = Math.Max(footer.CurrentSize, options.MaxVirtualSize ?? 0);
        var entries = (int)(VhdLayout.AlignUp(room, VhdLayout.DefaultBlockSize) / VhdLayout.DefaultBlockSize);
        var batmap = VhdBatmap.Empty(VhdBatmap.Place(VhdLayout.BatOffset, entries), VhdBatmap.MapSectors(room));
        var header = new VhdHeader { BatOffset = VhdLayout.BatOffset, BatEntries = entries };
        var end = batmap.End;
        if (link is not null)
        {
            header = link.Onto(header, code => batmap.End + (VhdLocator.InOrder.IndexOf(code) * VhdLayout.LocatorSpace));
            link.WritePaths(medium, header);
            end += VhdLocator.InOrder.Length * VhdLayout.LocatorSpace;
        }

        Span<byte> bytes = stackalloc byte[VhdLayout.HeaderSize];
        header.Write(bytes);
        medium.Write(VhdLayout.HeaderOffset, bytes);
        Fill(medium, VhdLayout.BatOffset, entries * 4L, 0xFF);
        batmap.Write(medium);
        footer.Write(bytes);
        medium.Write(0, bytes[..VhdLayout.FooterSize]);
        medium.Write(end, bytes[..VhdLayout.FooterSize]);
    }

    private static void LayFixed(VhdMedium medium, VhdFooter footer)
    {
        Span<byte> bytes = stackalloc byte[VhdLayout.FooterSize];
        footer.Write(bytes);
        medium.Write(footer.CurrentSize, bytes);
    }

    internal static VhdFooter NewFooter(VhdType type, long virtualSize, VhdCreateOptions options)
    {
        var room = Math.Max(virtualSize, options.MaxVirtualSize ?? 0);
        if (virtualSize < VhdLayout.Sector || virtualSize % VhdLayout.Sector != 0 || room > VhdLayout.MaxVirtualSize)
        {
            throw new ArgumentOutOfRangeException(
                nameof(virtualSize), virtualSize, $"A disk has whole sectors of 512 bytes, at least one and at most {VhdLayout.MaxVirtualSize} bytes");
        }

        return new VhdFooter
        {
            Type = type,
            Uuid = options.Uuid ?? Guid.NewGuid(),
            CurrentSize = virtualSize,
            OriginalSize = virtualSize,
            Geometry = VhdGeometry.ForSize(virtualSize),
            Timestamp = VhdTime.FromTime(options.Time.GetUtcNow()),
            DataOffset = type == VhdType.Fixed ? VhdFooter.NoDataOffset : VhdLayout.HeaderOffset,
            Hidden = options.Hidden,
        };
    }

    /// <summary>
    /// Lays the image out beside its place and renames it there once it is whole: a name that ends in .vhd never stands for half an image,
    /// which would fail the scan of the whole repository.
    /// </summary>
    private static VhdFile Create(string path, VhdCreateOptions options, Action<VhdMedium> lay)
    {
        path = System.IO.Path.GetFullPath(path);
        if (!options.Overwrite && System.IO.Path.Exists(path))
        {
            throw new IOException($"{path} exists already");
        }

        var unfinished = path + ".new";
        try
        {
            using (var medium = FileMedium.Create(unfinished))
            {
                lay(medium);
            }

            File.Move(unfinished, path, options.Overwrite);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }

        return Open(path, VhdAccess.ReadWrite);
    }
}
