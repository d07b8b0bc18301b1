using System.Buffers.Binary;
using System.Text;

namespace NovaShim.Vhd;

/// <summary>One entry of the header's locator table: where in the file a path to the parent stands, and how it is written.</summary>
/// <param name="Code">The platform code.</param>
/// <param name="Space">Room in the file; XenServer gives it in bytes, the specification in sectors, so a value under 512 means sectors.</param>
/// <param name="Length">Exact bytes of the path.</param>
/// <param name="Offset">Where in the file.</param>
public readonly record struct VhdLocator(uint Code, uint Space, uint Length, ulong Offset)
{
    /// <summary>UTF-8 file URL, "MacX".</summary>
    public const uint FileUrl = 0x4D61_6358;

    /// <summary>UTF-16LE Windows path, "W2ku"; XenServer writes a relative one.</summary>
    public const uint WindowsAbsolute = 0x5732_6B75;

    /// <summary>UTF-16LE relative Windows path, "W2ru".</summary>
    public const uint WindowsRelative = 0x5732_7275;

    internal const int Size = 24;

    /// <summary>The order XenServer writes them in, and readers try them in.</summary>
    internal static ReadOnlySpan<uint> InOrder => [FileUrl, WindowsAbsolute, WindowsRelative];

    internal bool Known => InOrder.Contains(Code);

    internal long SpaceInBytes => Space < VhdLayout.Sector ? (long)Space * VhdLayout.Sector : Space;

    internal static VhdLocator Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt32BigEndian(bytes),
        BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
        BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]));

    internal void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Code);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], Space);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], Length);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], Offset);
    }

    /// <summary>The bytes of a path "./dir/x.vhd" under a platform code.</summary>
    internal static byte[] Encode(uint code, string relative) => code == FileUrl
        ? Encoding.UTF8.GetBytes("file://" + relative)
        : Encoding.Unicode.GetBytes(relative.Replace('/', '\\'));

    /// <summary>The path those bytes stand for, with forward slashes; null when they make no sense.</summary>
    internal static string? Decode(uint code, ReadOnlySpan<byte> bytes)
    {
        string path;
        if (code == FileUrl)
        {
            path = Encoding.UTF8.GetString(bytes);
            if (!path.StartsWith("file://", StringComparison.Ordinal))
            {
                return null;
            }

            path = path["file://".Length..];
        }
        else
        {
            path = Encoding.Unicode.GetString(bytes[..(bytes.Length & ~1)]).Replace('\\', '/');
        }

        path = path.TrimEnd('\0');
        return path.Length == 0 || path.Contains('\0', StringComparison.Ordinal) ? null : path;
    }
}
