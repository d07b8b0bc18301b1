using System.Buffers.Binary;
using System.Text;

namespace NovaShim.Vhd;

/// <summary>The 1024-byte header of a dynamic or differencing image. Integers are big-endian.</summary>
public sealed record VhdHeader
{
    private static ReadOnlySpan<byte> Cookie => "cxsparse"u8;

    private const int ChecksumField = 36;
    private const int NameField = 64;
    private const int NameSize = 512;
    private const int LocatorField = 576;
    internal const int MaxLocators = 8;

    /// <summary>Where the block allocation table stands.</summary>
    public required long BatOffset { get; init; }

    /// <summary>Entries of the block allocation table; at least the blocks of the disk, more when room was made for growing.</summary>
    public required int BatEntries { get; init; }

    /// <summary>Bytes of a block's data.</summary>
    public int BlockSize { get; init; } = VhdLayout.DefaultBlockSize;

    /// <summary>The uuid in the parent's footer; empty without a parent.</summary>
    public Guid ParentUuid { get; init; }

    /// <summary>The parent file's time of change when it was linked (<see cref="VhdTime"/>).</summary>
    public uint ParentTimestamp { get; init; }

    /// <summary>The parent file's base name.</summary>
    public string ParentName { get; init; } = "";

    /// <summary>Where the paths to the parent stand, in the order they are tried.</summary>
    public IReadOnlyList<VhdLocator> Locators { get; init; } = [];

    /// <summary>Reads 1024 bytes; null with <paramref name="problem"/> set when they are not a header that can be used.</summary>
    internal static VhdHeader? TryParse(ReadOnlySpan<byte> bytes, out string problem)
    {
        var entries = BinaryPrimitives.ReadUInt32BigEndian(bytes[28..]);
        var block = BinaryPrimitives.ReadUInt32BigEndian(bytes[32..]);
        var bat = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        problem = "";
        if (!bytes[..8].SequenceEqual(Cookie))
        {
            problem = "invalid cookie";
        }
        else if (BinaryPrimitives.ReadUInt32BigEndian(bytes[ChecksumField..]) != VhdChecksum.Of(bytes[..VhdLayout.HeaderSize], ChecksumField))
        {
            problem = "invalid checksum";
        }
        else if (BinaryPrimitives.ReadUInt32BigEndian(bytes[24..]) >> 16 != 1)
        {
            problem = "invalid header version";
        }
        else if (block is < VhdLayout.MinBlockSize or > VhdLayout.MaxBlockSize || (block & (block - 1)) != 0)
        {
            problem = $"invalid block size {block}";
        }
        else if (entries is 0 or > VhdLayout.MaxBatEntries)
        {
            problem = $"invalid number of BAT entries {entries}";
        }
        else if (bat % VhdLayout.Sector != 0 || bat > 1UL << 50)
        {
            problem = $"invalid BAT offset {bat}";
        }

        if (problem.Length > 0)
        {
            return null;
        }

        var locators = new List<VhdLocator>(MaxLocators);
        for (var i = 0; i < MaxLocators; i++)
        {
            if (VhdLocator.Read(bytes[(LocatorField + (i * VhdLocator.Size))..]) is { Code: not 0 } locator)
            {
                locators.Add(locator);
            }
        }

        var name = Encoding.BigEndianUnicode.GetString(bytes.Slice(NameField, NameSize));
        return new VhdHeader
        {
            BatOffset = (long)bat,
            BatEntries = (int)entries,
            BlockSize = (int)block,
            ParentUuid = new Guid(bytes.Slice(40, 16), bigEndian: true),
            ParentTimestamp = BinaryPrimitives.ReadUInt32BigEndian(bytes[56..]),
            ParentName = name.IndexOf('\0') is >= 0 and var end ? name[..end] : name,
            Locators = locators,
        };
    }

    /// <summary>Fills 1024 bytes, checksum included.</summary>
    internal void Write(Span<byte> bytes)
    {
        bytes = bytes[..VhdLayout.HeaderSize];
        bytes.Clear();
        Cookie.CopyTo(bytes);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], ulong.MaxValue);
        BinaryPrimitives.WriteInt64BigEndian(bytes[16..], BatOffset);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[24..], 0x0001_0000);
        BinaryPrimitives.WriteInt32BigEndian(bytes[28..], BatEntries);
        BinaryPrimitives.WriteInt32BigEndian(bytes[32..], BlockSize);
        ParentUuid.TryWriteBytes(bytes.Slice(40, 16), bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[56..], ParentTimestamp);
        Encoding.BigEndianUnicode.GetBytes(ParentName, bytes.Slice(NameField, NameSize));
        for (var i = 0; i < Locators.Count; i++)
        {
            Locators[i].Write(bytes[(LocatorField + (i * VhdLocator.Size))..]);
        }

        BinaryPrimitives.WriteUInt32BigEndian(bytes[ChecksumField..], VhdChecksum.Of(bytes, ChecksumField));
    }

    /// <summary>Whether a name fits the header's field of 256 UTF-16 units.</summary>
    internal static bool NameFits(string name) => Encoding.BigEndianUnicode.GetByteCount(name) <= NameSize;
}
