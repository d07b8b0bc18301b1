using System.Buffers.Binary;

namespace NovaShim.XenServerSimulator.Guests.Journal;

/// <summary>
/// The first 4 KiB of a bootable disk, little-endian: magic(8), place and length of the journal's ring (8+8), place and length of the image's content (8+8),
/// SHA-256 of that content(32), zeros, CRC-32 of all before it (last 4).
/// </summary>
/// <param name="RingOffset">Bytes, a multiple of 4096.</param>
/// <param name="RingLength">Bytes, a multiple of 4096.</param>
/// <param name="ContentOffset">Bytes; the content never changes after the image was made.</param>
/// <param name="ContentLength">Bytes, 0 for none.</param>
/// <param name="ContentHash">SHA-256.</param>
internal sealed record Superblock(long RingOffset, long RingLength, long ContentOffset, long ContentLength, ReadOnlyMemory<byte> ContentHash)
{
    public const int Size = 4096;
    private const int HashSize = 32;
    private const long DefaultRingOffset = 1 << 20;

    /// <summary>The longest ring a disk gets by default.</summary>
    public const long DefaultRingLength = 64L << 20;

    /// <summary>How many records the ring holds.</summary>
    public long Slots => RingLength / JournalRecord.Size;

    private static ReadOnlySpan<byte> Magic => "NSIMAGE1"u8;

    /// <summary>A ring at 1 MiB, content right behind it.</summary>
    /// <exception cref="ArgumentException">The disk is too small for both.</exception>
    public static Superblock Lay(long diskSize, long? ringLength, long contentLength, ReadOnlyMemory<byte> contentHash)
    {
        long room = diskSize - DefaultRingOffset - contentLength;
        long ring = (ringLength ?? Math.Min(DefaultRingLength, room)) / JournalRecord.Size * JournalRecord.Size;
        return ring < JournalRecord.Size || ring > room
            ? throw new ArgumentException($"A disk of {diskSize} bytes has no room for a journal of {ringLength ?? JournalRecord.Size} and {contentLength} bytes of content behind 1 MiB", nameof(diskSize))
            : new Superblock(DefaultRingOffset, ring, DefaultRingOffset + ring, contentLength, contentHash);
    }

    /// <summary>Null when the block is no superblock at all.</summary>
    /// <exception cref="JournalException">It is one, but damaged, or of another disk size.</exception>
    public static Superblock? Parse(ReadOnlySpan<byte> block, long diskSize)
    {
        if (!block.StartsWith(Magic))
        {
            return null;
        }

        if (Crc32.Of(block[..(Size - 4)]) != BinaryPrimitives.ReadUInt32LittleEndian(block[(Size - 4)..]))
        {
            throw new JournalException("the superblock is damaged: wrong CRC");
        }

        Superblock parsed = new(
            BinaryPrimitives.ReadInt64LittleEndian(block[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(block[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(block[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(block[32..]),
            block.Slice(40, HashSize).ToArray());
        bool fits = parsed.RingOffset >= Size && parsed.RingLength >= JournalRecord.Size && parsed.RingLength <= diskSize - parsed.RingOffset
            && parsed.ContentOffset >= 0 && parsed.ContentLength >= 0 && parsed.ContentLength <= diskSize - parsed.ContentOffset;
        return fits ? parsed : throw new JournalException($"the superblock speaks of more than the disk's {diskSize} bytes");
    }

    public byte[] ToBytes()
    {
        byte[] block = new byte[Size];
        Magic.CopyTo(block);
        BinaryPrimitives.WriteInt64LittleEndian(block.AsSpan(8), RingOffset);
        BinaryPrimitives.WriteInt64LittleEndian(block.AsSpan(16), RingLength);
        BinaryPrimitives.WriteInt64LittleEndian(block.AsSpan(24), ContentOffset);
        BinaryPrimitives.WriteInt64LittleEndian(block.AsSpan(32), ContentLength);
        ContentHash.Span.CopyTo(block.AsSpan(40, HashSize));
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(Size - 4), Crc32.Of(block.AsSpan(0, Size - 4)));
        return block;
    }
}

/// <summary>A disk that does not hold what it should; the message says what and where.</summary>
internal sealed class JournalException(string message) : Exception(message);
