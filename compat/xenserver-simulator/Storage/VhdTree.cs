using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Storage;

/// <summary>One VHD of the directory and its place in the tree.</summary>
internal sealed class VhdNode(VhdFacts facts, Guid footerUuid, Guid parentFooterUuid)
{
    public VhdFacts Facts { get; } = facts;

    public string Uuid => Facts.Uuid;

    public VhdNode? Parent { get; set; }

    public List<VhdNode> Children { get; } = [];

    /// <summary>Number of files from here to the root.</summary>
    public int Depth => Parent is null ? 1 : Parent.Depth + 1;

    /// <summary>Number of files from here to the farthest leaf.</summary>
    public int Height => 1 + Children.Select(child => child.Height).DefaultIfEmpty(0).Max();

    public VhdNode Root => Parent?.Root ?? this;

    /// <summary>Why the chain is broken right above this file, null when it is not.</summary>
    public string? BrokenLink =>
        Facts.ParentUuid is null ? null
        : Parent is null ? $"the parent {Facts.ParentUuid} of {Uuid} is missing"
        : Parent.FooterUuid != parentFooterUuid ? $"{Facts.ParentUuid} is not the parent that {Uuid} was made on"
        : null;

    private Guid FooterUuid { get; } = footerUuid;
}

/// <summary>All VHDs directly in an SR's directory, linked by the paths they store. A picture of one moment.</summary>
internal sealed class VhdTree
{
    private readonly Dictionary<string, VhdNode> _nodes;

    private VhdTree(Dictionary<string, VhdNode> nodes) => _nodes = nodes;

    public IEnumerable<VhdNode> Nodes => _nodes.Values;

    /// <summary>Reads every <c>*.vhd</c>; sub-directories are staging places and not looked into.</summary>
    /// <exception cref="VhdFormatException">A file is broken; the message names it.</exception>
    public static VhdTree Read(string directory)
    {
        Dictionary<string, VhdNode> nodes = [];
        foreach (string path in Directory.EnumerateFiles(directory, "*.vhd"))
        {
            VhdNode? node = ReadNode(path);
            if (node is not null)
            {
                nodes.Add(node.Uuid, node);
            }
        }

        foreach (VhdNode node in nodes.Values)
        {
            if (node.Facts.ParentUuid is { } parent && nodes.TryGetValue(parent, out VhdNode? found) && !IsAncestor(node, found))
            {
                node.Parent = found;
                found.Children.Add(node);
            }
        }

        return new VhdTree(nodes);
    }

    public VhdNode? Find(string uuid) => _nodes.GetValueOrDefault(uuid);

    /// <summary>Facts of one open file.</summary>
    public static VhdFacts FactsOf(VhdFile file) => new(
        Path.GetFileNameWithoutExtension(file.Path),
        file.VirtualSize,
        file.PhysicalUtilisation,
        file.ParentLocator is { } locator ? Path.GetFileNameWithoutExtension(locator) : null,
        file.Hidden);

    private static VhdNode? ReadNode(string path)
    {
        try
        {
            using VhdFile file = VhdFile.Open(path);
            return new VhdNode(FactsOf(file), file.Uuid, file.Header?.ParentUuid ?? Guid.Empty);
        }
        catch (FileNotFoundException)
        {
            // Somebody in dom0 moved it away between the listing and now.
            return null;
        }
    }

    /// <summary>Two files that name each other as parents are not a chain: the link that would close the circle is taken for broken.</summary>
    private static bool IsAncestor(VhdNode node, VhdNode of)
    {
        for (VhdNode? n = of; n is not null; n = n.Parent)
        {
            if (ReferenceEquals(n, node))
            {
                return true;
            }
        }

        return false;
    }
}
