using System.Buffers;
using System.Globalization;
using System.Text;

namespace NovaShim.XenServerSimulator.Dom0.Xenstored;

/// <summary>
/// A host's XenStore: a tree of values, kept in a folder so that dom0's programs and the guests see the same. A node is a folder, its value a file in it that no node's name can be confused with. Nothing of it outlives
/// the host: a start begins with an empty one. Safe for use by several processes.
/// </summary>
internal sealed class XenStore(string folder)
{
    /// <summary>What one message to xenstored may hold at most: of a write, the path, a zero and the value.</summary>
    public const int PayloadMax = 4096;

    private const int PathMax = 3072;
    private const int Tries = 20;
    private const string ValueFile = "=";

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_@");

    private readonly string _nodes = Path.Combine(folder, "nodes");
    private readonly string _coming = Path.Combine(folder, "coming");
    private readonly string _gone = Path.Combine(folder, "gone");

    /// <summary>Where a host keeps it.</summary>
    public static string FolderIn(string root) => Path.Combine(root, "dom0", "var", "lib", "xenstored");

    /// <summary>The place of a domain in it.</summary>
    public static string HomeOf(int domid) => string.Create(CultureInfo.InvariantCulture, $"/local/domain/{domid}");

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        Directory.CreateDirectory(_nodes);
        Directory.CreateDirectory(_coming);
        Directory.CreateDirectory(_gone);
    }

    /// <summary>A node's value; null when there is no such node, or the path is none.</summary>
    public byte[]? Read(string path)
    {
        if (!IsPath(path))
        {
            return null;
        }

        string node = NodeOf(path);

        // A node that was there before the look and has no value is one that was made on the way to another.
        bool there = Directory.Exists(node);
        try
        {
            return File.ReadAllBytes(Path.Combine(node, ValueFile));
        }
        catch (IOException)
        {
            return there && Directory.Exists(node) ? [] : null;
        }
    }

    /// <summary>Writes a node's value; nodes above it are made.</summary>
    /// <returns>Whether it was: not when the path is none, or it is all too long for one message.</returns>
    public bool Write(string path, ReadOnlySpan<byte> value)
    {
        if (!IsPath(path) || path.Length + 1 + value.Length > PayloadMax)
        {
            return false;
        }

        string node = NodeOf(path), part = Path.Combine(_coming, Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(part);
        File.WriteAllBytes(Path.Combine(part, ValueFile), value);
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                // With its value at once for everybody who looks.
                if (Directory.Exists(node))
                {
                    File.Move(Path.Combine(part, ValueFile), Path.Combine(node, ValueFile), overwrite: true);
                    Directory.Delete(part);
                }
                else
                {
                    Directory.CreateDirectory(Path.GetDirectoryName(node)!);
                    Directory.Move(part, node);
                }

                return true;
            }
            catch (IOException) when (attempt < Tries)
            {
                // Somebody has just made or removed the node.
            }
        }
    }

    /// <summary>Removes a node with all below it.</summary>
    /// <returns>Whether it is gone now: false when not even what it would be in is there.</returns>
    public bool Remove(string path)
    {
        if (!IsPath(path) || path == "/")
        {
            return false;
        }

        string node = NodeOf(path), trash = Path.Combine(_gone, Guid.NewGuid().ToString("N"));
        try
        {
            // At once for everybody who looks.
            Directory.Move(node, trash);
        }
        catch (IOException)
        {
            return Directory.Exists(Path.GetDirectoryName(node));
        }

        Directory.Delete(trash, recursive: true);
        return true;
    }

    /// <summary>The names of the nodes in a node, in order; null when there is no such node.</summary>
    public IReadOnlyList<string>? List(string path)
    {
        try
        {
            return IsPath(path) ? [.. Directory.EnumerateDirectories(NodeOf(path)).Select(Path.GetFileName).Order(StringComparer.Ordinal)!] : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>What the toolstack writes for a new domain.</summary>
    /// <param name="domid">Its number.</param>
    /// <param name="name">The VM's name.</param>
    /// <param name="vm">The VM's uuid.</param>
    /// <param name="data"><c>VM.xenstore_data</c>: what is below <c>vm-data</c> is shown to the guest.</param>
    public void Introduce(int domid, string name, string vm, IEnumerable<KeyValuePair<string, string>> data)
    {
        string home = HomeOf(domid);
        Write($"{home}/name", Encoding.UTF8.GetBytes(name));
        Write($"{home}/domid", Encoding.UTF8.GetBytes(domid.ToString(CultureInfo.InvariantCulture)));
        Write($"{home}/data", []);
        foreach ((string key, string value) in data.Where(d => d.Key.StartsWith("vm-data/", StringComparison.Ordinal)))
        {
            Write($"{home}/{key}", Encoding.UTF8.GetBytes(value));
        }

        Write($"{home}/vm", Encoding.UTF8.GetBytes($"/vm/{vm}"));
    }

    /// <summary>Forgets a domain.</summary>
    public void Release(int domid) => Remove(HomeOf(domid));

    private static bool IsPath(string path) =>
        path == "/" || (path.Length is > 1 and <= PathMax && path[0] == '/' && path[1..].Split('/').All(name => name.Length > 0 && !name.AsSpan().ContainsAnyExcept(NameCharacters)));

    private string NodeOf(string path) => Path.Combine(_nodes, path[1..]);
}
