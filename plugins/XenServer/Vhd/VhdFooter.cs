using System.Buffers.Binary;

namespace NovaShim.Vhd;

/// <summary>The 512-byte footer: at the end of every image, and as a copy at 0 of dynamic and differencing ones. Integers are big-endian.</summary>
public sealed record VhdFooter
{
    private static ReadOnlySpan<byte> Cookie => "conectix"u8;

    private const int ChecksumField = 64;
    internal const uint FormatVersion = 0x0001_0000;
    internal const ulong NoDataOffset = ulong.MaxValue;

    /// <summary>The creator every image written here names, "tap\0": readers trust the current size of files it made.</summary>
    public const uint XenServerCreator = 0x7461_7000;

    /// <summary>Since 1.2 every image of this creator carries a batmap.</summary>
    internal const uint BatmapSince = 0x0001_0002;

    internal const uint XenServerCreatorVersion = 0x0001_0003;

    public required VhdType Type { get; init; }

    /// <summary>The image's own uuid: what a child's header names. Not the file's name.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>The virtual size now, in bytes.</summary>
    public required long CurrentSize { get; init; }

    /// <summary>The virtual size at creation, in bytes; growing does not change it.</summary>
    public required long OriginalSize { get; init; }

    public required VhdGeometry Geometry { get; init; }

    /// <summary>Creation time, seconds since 2000 (<see cref="VhdTime"/>).</summary>
    public required uint Timestamp { get; init; }

    /// <summary>True for a base copy: nobody's disk, there only for its children.</summary>
    public bool Hidden { get; init; }

    public uint Creator { get; init; } = XenServerCreator;

    public uint CreatorVersion { get; init; } = XenServerCreatorVersion;

    public uint CreatorOs { get; init; }

    /// <summary>Where the dynamic header stands; all ones in a fixed image.</summary>
    internal ulong DataOffset { get; init; } = VhdLayout.HeaderOffset;

    internal uint Features { get; init; } = 2;

    internal byte SavedState { get; init; }

    internal bool HasBatmap => Creator == XenServerCreator && CreatorVersion >= BatmapSince && Type != VhdType.Fixed;

    /// <summary>Reads 512 bytes; null with <paramref name="problem"/> set (in vhd-util's words) when they are not a footer.</summary>
    internal static VhdFooter? TryParse(ReadOnlySpan<byte> bytes, out string problem)
    {
        problem = "";
        if (!bytes[..8].SequenceEqual(Cookie))
        {
            problem = "invalid cookie";
        }
        else if (BinaryPrimitives.ReadUInt32BigEndian(bytes[ChecksumField..]) != VhdChecksum.Of(bytes[..VhdLayout.FooterSize], ChecksumField))
        {
            problem = "invalid checksum";
        }
        else if (BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]) >> 16 != FormatVersion >> 16)
        {
            problem = "invalid file format version";
        }
        else if (BinaryPrimitives.ReadUInt32BigEndian(bytes[60..]) is not (2 or 3 or 4))
        {
            problem = "invalid type";
        }
        else if (BinaryPrimitives.ReadUInt64BigEndian(bytes[48..]) is var size && (size > 1UL << 50 || size % VhdLayout.Sector != 0))
        {
            problem = "invalid current size";
        }
        else if (BinaryPrimitives.ReadUInt64BigEndian(bytes[40..]) > 1UL << 50)
        {
            problem = "invalid original size";
        }

        return problem.Length > 0 ? null : new VhdFooter
        {
            Features = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]),
            DataOffset = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]),
            Timestamp = BinaryPrimitives.ReadUInt32BigEndian(bytes[24..]),
            Creator = BinaryPrimitives.ReadUInt32BigEndian(bytes[28..]),
            CreatorVersion = BinaryPrimitives.ReadUInt32BigEndian(bytes[32..]),
            CreatorOs = BinaryPrimitives.ReadUInt32BigEndian(bytes[36..]),
            OriginalSize = (long)BinaryPrimitives.ReadUInt64BigEndian(bytes[40..]),
            CurrentSize = (long)BinaryPrimitives.ReadUInt64BigEndian(bytes[48..]),
            Geometry = VhdGeometry.Unpack(BinaryPrimitives.ReadUInt32BigEndian(bytes[56..])),
            Type = (VhdType)BinaryPrimitives.ReadUInt32BigEndian(bytes[60..]),
            Uuid = new Guid(bytes.Slice(68, 16), bigEndian: true),
            SavedState = bytes[84],
            Hidden = bytes[85] != 0,
        };
    }

    /// <summary>Fills 512 bytes, checksum included.</summary>
    internal void Write(Span<byte> bytes)
    {
        bytes = bytes[..VhdLayout.FooterSize];
        bytes.Clear();
        Cookie.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], Features);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[12..], FormatVersion);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], DataOffset);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[24..], Timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[28..], Creator);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[32..], CreatorVersion);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[36..], CreatorOs);
        BinaryPrimitives.WriteInt64BigEndian(bytes[40..], OriginalSize);
        BinaryPrimitives.WriteInt64BigEndian(bytes[48..], CurrentSize);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[56..], Geometry.Pack());
        BinaryPrimitives.WriteUInt32BigEndian(bytes[60..], (uint)Type);
        Uuid.TryWriteBytes(bytes.Slice(68, 16), bigEndian: true, out _);
        bytes[84] = SavedState;
        bytes[85] = Hidden ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[ChecksumField..], VhdChecksum.Of(bytes, ChecksumField));
    }
}
