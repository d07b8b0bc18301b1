using System.Text;

namespace NovaShim.XenServer.ConfigDrive;

/// <summary>What Rock Ridge (IEEE P1282 over P1281) adds to a directory's records for Unix: real names, modes, links.</summary>
internal static class RockRidge
{
    private const int FolderMode = 0x4000 | 0x16D;
    private const int FileMode = 0x8000 | 0x124;

    /// <summary>The entries of a file or folder in its folder.</summary>
    public static byte[] OfChild(IsoNode node) => [.. Mode(node), .. Name(node.Name)];

    /// <summary>The entries of a folder's record of itself.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="isRoot">It says, too, that there are such entries at all.</param>
    public static byte[] OfSelf(IsoNode folder, bool isRoot) => isRoot ? [.. Announcement, .. Mode(folder), .. Extension] : Mode(folder);

    /// <summary>The entries of a folder's record of the one it is in.</summary>
    public static byte[] OfParent(IsoNode folder) => Mode(folder.Parent);

    private static byte[] Announcement => [.. "SP"u8, 7, 1, 0xBE, 0xEF, 0];

    private static byte[] Extension
    {
        get
        {
            var id = "RRIP_1991A"u8;
            return [.. "ER"u8, (byte)(8 + id.Length), 1, (byte)id.Length, 0, 0, 1, .. id];
        }
    }

    // Owned by root, for all to read.
    private static byte[] Mode(IsoNode node)
    {
        var entry = new byte[36];
        "PX"u8.CopyTo(entry);
        (entry[2], entry[3]) = ((byte)entry.Length, 1);
        IsoBytes.Both32(entry.AsSpan(4), node.IsFolder ? FolderMode : FileMode);
        IsoBytes.Both32(entry.AsSpan(12), node.IsFolder ? 2 + node.Children.Count(c => c.IsFolder) : 1);
        return entry;
    }

    private static byte[] Name(string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        return [.. "NM"u8, (byte)(5 + bytes.Length), 1, 0, .. bytes];
    }
}
