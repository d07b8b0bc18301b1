namespace NovaShim.Vhd;

public sealed partial class VhdFile
{
    /// <summary>
    /// The parent's path as this image stores it, relative to its own directory ("./x.vhd"): the first one that is there, else the first;
    /// null when it stores none.
    /// </summary>
    public string? ParentLocator => Type != VhdType.Differencing ? null : Candidates().FirstOrDefault(Exists) ?? Candidates().FirstOrDefault();

    /// <summary>Finds the parent's file by the stored paths, in their order.</summary>
    /// <returns>Its absolute path, or null when none of them leads to a file (or the image has no parent).</returns>
    public string? FindParent() =>
        Type == VhdType.Differencing && Candidates().FirstOrDefault(Exists) is { } locator ? FromLocator(locator) : null;

    /// <summary>Opens the parent for reading.</summary>
    /// <exception cref="VhdParentMissingException">It is not where the locators say.</exception>
    /// <exception cref="VhdFormatException">It is not the parent: another uuid, or no VHD.</exception>
    public VhdFile OpenParent(VhdAccess access = VhdAccess.Read)
    {
        if (Type != VhdType.Differencing)
        {
            throw new InvalidOperationException($"{Path} has no parent");
        }

        if (Header!.ParentUuid == Guid.Empty)
        {
            // A raw parent is any file at all, named by whoever wrote the child: an imported image could read the host's files.
            throw new VhdFormatException($"{Path}: its parent is not a VHD; such images are not read");
        }

        var parent = Open(FindParent() ?? throw new VhdParentMissingException(Path, ParentLocator ?? Header.ParentName), access);
        if (parent.Uuid != Header.ParentUuid)
        {
            parent.Dispose();
            throw new VhdFormatException($"{Path}: invalid parent {parent.Path}: it is {parent.Uuid}, the child's is {Header.ParentUuid}");
        }

        return parent;
    }

    /// <summary>
    /// Links a differencing image to another parent: uuid, name, time and the three paths, in their places. Does not look at either's content.
    /// </summary>
    /// <remarks>The paths are written before the header: killed between, the image names a parent of the wrong uuid until this is run again.</remarks>
    /// <exception cref="InvalidOperationException">The image is not a differencing one, or not open for writing.</exception>
    /// <exception cref="FileNotFoundException">There is no such parent.</exception>
    /// <exception cref="VhdFormatException">The parent is no VHD.</exception>
    public void SetParent(string parentPath)
    {
        RequireWritable();
        if (Type != VhdType.Differencing)
        {
            throw new InvalidOperationException($"{Path} is not a differencing image");
        }

        using var parent = Open(parentPath);
        if (parent.Uuid == Uuid)
        {
            throw new ArgumentException($"{parentPath} is the image itself", nameof(parentPath));
        }

        var link = ParentLink.To(parent, Path);
        var places = new Dictionary<uint, long>();
        foreach (var code in VhdLocator.InOrder)
        {
            var old = Header!.Locators.FirstOrDefault(locator => locator.Code == code && locator.SpaceInBytes >= VhdLayout.LocatorSpace);
            places[code] = old.Code != 0 ? (long)old.Offset : NewSectorAtEnd();
        }

        var header = link.Onto(Header!, code => places[code]);
        link.WritePaths(_medium, header);
        WriteHeader(header);
        _parents.Clear();
        _parents.Add(link.RelativePath);
    }


    /// <summary>Stored paths that are relative: an absolute one, in a file from elsewhere, is not followed on this host.</summary>
    private IEnumerable<string> Candidates() => _parents.Where(path => !System.IO.Path.IsPathRooted(path));

    private bool Exists(string locator) => File.Exists(FromLocator(locator));

    private string FromLocator(string locator) =>
        System.IO.Path.GetFullPath(locator, RealPath.Of(System.IO.Path.GetDirectoryName(Path)!));

    /// <summary>Makes room of one sector where the footer stands, for a file of others that lacks XenServer's locators.</summary>
    private long NewSectorAtEnd()
    {
        var place = _end;
        _trailerStands = false;
        _end += VhdLayout.LocatorSpace;
        WriteTrailer();
        return place;
    }
}
