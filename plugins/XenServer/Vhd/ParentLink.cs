namespace NovaShim.Vhd;

/// <summary>What a child records of its parent.</summary>
/// <param name="Uuid">The parent's footer uuid: what makes it the parent.</param>
/// <param name="Timestamp">The parent file's time of change.</param>
/// <param name="Name">The parent file's base name.</param>
/// <param name="RelativePath">Its path from the child's directory, "./x.vhd".</param>
internal sealed record ParentLink(Guid Uuid, uint Timestamp, string Name, string RelativePath)
{
    /// <summary>The link from a child (at its final place) to a parent.</summary>
    /// <exception cref="ArgumentException">The path between them does not fit the room a locator has.</exception>
    public static ParentLink To(VhdFile parent, string childPath)
    {
        var childDirectory = RealPath.Of(Path.GetDirectoryName(Path.GetFullPath(childPath))!);
        var parentPath = Path.Combine(RealPath.Of(Path.GetDirectoryName(parent.Path)!), Path.GetFileName(parent.Path));
        var link = new ParentLink(
            parent.Uuid,
            VhdTime.FromTime(parent.ChangedAt),
            Path.GetFileName(parentPath),
            "./" + Path.GetRelativePath(childDirectory, parentPath));
        if (!VhdHeader.NameFits(link.Name) || link.Paths().Any(path => path.Bytes.Length > VhdLayout.LocatorSpace))
        {
            throw new ArgumentException($"The path from {childPath} to its parent, {link.RelativePath}, is too long for a VHD", nameof(parent));
        }

        return link;
    }

    /// <summary>The paths in all their spellings, in the order XenServer writes them.</summary>
    public IReadOnlyList<(uint Code, byte[] Bytes)> Paths()
    {
        var paths = new List<(uint, byte[])>();
        foreach (var code in VhdLocator.InOrder)
        {
            paths.Add((code, VhdLocator.Encode(code, RelativePath)));
        }

        return paths;
    }

    /// <summary>A header that names this parent, its paths standing at the given offsets with 512 bytes of room each.</summary>
    public VhdHeader Onto(VhdHeader header, Func<uint, long> placeOf) => header with
    {
        ParentUuid = Uuid,
        ParentTimestamp = Timestamp,
        ParentName = Name,
        Locators = [.. Paths().Select(path =>
            new VhdLocator(path.Code, VhdLayout.LocatorSpace, (uint)path.Bytes.Length, (ulong)placeOf(path.Code)))],
    };

    /// <summary>Writes the paths where a header says.</summary>
    public void WritePaths(VhdMedium medium, VhdHeader header)
    {
        var sector = new byte[VhdLayout.LocatorSpace];
        foreach (var (code, bytes) in Paths())
        {
            Array.Clear(sector);
            bytes.CopyTo(sector, 0);
            medium.Write((long)header.Locators.First(locator => locator.Code == code).Offset, sector);
        }
    }
}
