using System.Text;

namespace NovaShim.XenServer.ConfigDrive;

/// <summary>A file or folder of an image to be made, under the two names it gets there.</summary>
internal sealed class IsoNode
{
    /// <summary>What Joliet allows, in UCS-2 characters.</summary>
    public const int LongestName = 64;

    // With the record of the file around it, it must fit into one byte's worth of bytes.
    private const int LongestNameBytes = 128;

    // ECMA-119 at interchange level 2: name, point and extension together.
    private const int LongestPlainName = 30;
    private const int LongestExtension = 8;

    // ECMA-119's, the root counted.
    private const int MostLevels = 8;

    private readonly Dictionary<string, IsoNode> _children = new(StringComparer.Ordinal);
    private string _plainName = "";

    private IsoNode(string name, IsoNode? parent, ReadOnlyMemory<byte>? content) => (Name, Parent, Content) = (name, parent ?? this, content);

    /// <summary>Its real name.</summary>
    public string Name { get; }

    /// <summary>The folder it is in; the root is in itself.</summary>
    public IsoNode Parent { get; }

    /// <summary>What is in a file; null for a folder.</summary>
    public ReadOnlyMemory<byte>? Content { get; }

    public bool IsFolder => Content is null;

    /// <summary>The sector a file begins in, once it is known.</summary>
    public int Sector { get; set; }

    public IReadOnlyCollection<IsoNode> Children => _children.Values;

    /// <summary>The name that a reader finds who knows nothing but ECMA-119: capital letters, digits and underscores; a file's with its version.</summary>
    public string PlainName => IsFolder ? _plainName : _plainName + ";1";

    /// <summary>What the standard sorts by.</summary>
    public string PlainOrder => _plainName;

    /// <summary>The tree of these files.</summary>
    /// <exception cref="ArgumentException">A path that cannot be on such an image, or is there twice.</exception>
    public static IsoNode Tree(IEnumerable<DriveFile> files)
    {
        var root = new IsoNode("", null, null);
        foreach (var file in files)
        {
            var at = root;
            var parts = file.Path.Split('/');
            if (parts.Length > MostLevels)
            {
                throw new ArgumentException($"{file.Path} is too deep for an ISO 9660 image.", nameof(files));
            }

            foreach (var folder in parts[..^1])
            {
                at = at._children.TryGetValue(folder, out var known) ? known : at.Add(folder, null);
                if (!at.IsFolder)
                {
                    throw new ArgumentException($"{file.Path} is in a file.", nameof(files));
                }
            }

            at.Add(parts[^1], file.Content);
        }

        root.NameChildren();
        return root;
    }

    private IsoNode Add(string name, ReadOnlyMemory<byte>? content)
    {
        // What ends in a point is shown without it by readers of Joliet.
        if (name.Length == 0 || name.EndsWith('.') || name.Length > LongestName || Encoding.UTF8.GetByteCount(name) > LongestNameBytes || name.Any(c => char.IsControl(c) || "*/:;?\\".Contains(c, StringComparison.Ordinal)))
        {
            throw new ArgumentException($"An ISO 9660 image cannot have a file of the name '{name}'.", nameof(name));
        }

        var node = new IsoNode(name, this, content);
        return _children.TryAdd(name, node) ? node : throw new ArgumentException($"{name} is there twice.", nameof(name));
    }

    // In the order of the real names, so that the same files always get the same ones.
    private void NameChildren()
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var child in _children.Values.OrderBy(c => c.Name, StringComparer.Ordinal))
        {
            var point = child.IsFolder ? -1 : child.Name.LastIndexOf('.');
            var extension = point < 0 ? "" : Plain(child.Name[(point + 1)..], LongestExtension);
            var stem = Plain(point < 0 ? child.Name : child.Name[..point], LongestPlainName - extension.Length);
            var name = stem;
            for (var n = 1; !taken.Add(child._plainName = child.IsFolder ? name : $"{name}.{extension}"); n++)
            {
                name = stem[..Math.Min(stem.Length, LongestPlainName - extension.Length - $"{n}".Length)] + n;
            }

            child.NameChildren();
        }
    }

    private static string Plain(string name, int longest) =>
        string.Concat(name.Take(longest).Select(char.ToUpperInvariant).Select(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) ? c : '_'));
}
