namespace NovaShim.Compute.Plugins;

/// <summary>What lies in a plugin folder: names, sizes and times of all files. Two looks that are equal with some time between them mean that the copying is over.</summary>
internal sealed class FolderContent : IEquatable<FolderContent>
{
    private static readonly EnumerationOptions _everything = new() { RecurseSubdirectories = true, MaxRecursionDepth = 8, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false };
    private readonly (string Name, long Length, DateTime Written)[] _files;

    private FolderContent((string, long, DateTime)[] files, string? unreadable) => (_files, Unreadable) = (files, unreadable);

    /// <summary>Why the folder could not be read; null when it could.</summary>
    public string? Unreadable { get; }

    /// <summary>The files, as paths relative to the folder, in ordinal order.</summary>
    public IEnumerable<string> Files => _files.Select(f => f.Name);

    /// <summary>Looks at a folder.</summary>
    public static FolderContent Read(string folder)
    {
        try
        {
            return new FolderContent(
                [.. new DirectoryInfo(folder).EnumerateFiles("*", _everything)
                    .Select(f => (Name: Path.GetRelativePath(folder, f.FullName), File: f.LinkTarget is null ? f : f.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? f))
                    .Select(f => (f.Name, f.File.Exists ? f.File.Length : -1, f.File.LastWriteTimeUtc))
                    .OrderBy(f => f.Name, StringComparer.Ordinal)],
                null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new FolderContent([], PluginRefusedException.Describe(e));
        }
    }

    /// <summary>Copies the files, links as what they point to. Files that appear meanwhile are not copied.</summary>
    public void CopyTo(string from, string to)
    {
        foreach (var name in Files)
        {
            var target = Path.Combine(to, name);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(Path.Combine(from, name), target);
        }
    }

    public bool Equals(FolderContent? other) => other is not null && Unreadable == other.Unreadable && _files.AsSpan().SequenceEqual(other._files);

    public override bool Equals(object? obj) => Equals(obj as FolderContent);

    public override int GetHashCode() => HashCode.Combine(_files.Length, Unreadable);
}
