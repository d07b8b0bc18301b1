using System.Buffers.Binary;

namespace NovaShim.XenServerSimulator.Guests.Journal;

/// <summary>Why a guest wrote a record.</summary>
internal enum RecordKind
{
    Boot = 1,
    Work = 2,
    Shutdown = 3,
}

/// <summary>
/// One aligned 4 KiB of the ring, little-endian: magic(8), VM uuid(16, as printed), boot number(4), kind(4), sequence number(8), unix milliseconds(8), filler
/// that depends on the sequence number, CRC-32 of all before it (last 4). Number <i>n</i>, counted from 1, stands in slot (<i>n</i>-1) modulo their count.
/// </summary>
internal readonly record struct JournalRecord(Guid Vm, int Boot, RecordKind Kind, long Sequence, long UnixMilliseconds)
{
    public const int Size = 4096;
    private const int FillerOffset = 48;

    private static ReadOnlySpan<byte> Magic => "NSRECORD"u8;

    /// <summary>Null for a slot that was never written.</summary>
    /// <exception cref="JournalException">It is neither empty nor a good record.</exception>
    public static JournalRecord? Parse(ReadOnlySpan<byte> slot)
    {
        if (!slot.StartsWith(Magic))
        {
            return slot.ContainsAnyExcept((byte)0) ? throw new JournalException("neither empty nor a record") : null;
        }

        return Crc32.Of(slot[..(Size - 4)]) != BinaryPrimitives.ReadUInt32LittleEndian(slot[(Size - 4)..])
            ? throw new JournalException("a record with a wrong CRC")
            : new JournalRecord(
                new Guid(slot.Slice(8, 16), bigEndian: true),
                BinaryPrimitives.ReadInt32LittleEndian(slot[24..]),
                (RecordKind)BinaryPrimitives.ReadInt32LittleEndian(slot[28..]),
                BinaryPrimitives.ReadInt64LittleEndian(slot[32..]),
                BinaryPrimitives.ReadInt64LittleEndian(slot[40..]));
    }

    public void Write(Span<byte> slot)
    {
        Magic.CopyTo(slot);
        Vm.TryWriteBytes(slot[8..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt32LittleEndian(slot[24..], Boot);
        BinaryPrimitives.WriteInt32LittleEndian(slot[28..], (int)Kind);
        BinaryPrimitives.WriteInt64LittleEndian(slot[32..], Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(slot[40..], UnixMilliseconds);
        Noise.Fill(slot[FillerOffset..(Size - 4)], (ulong)Sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[(Size - 4)..], Crc32.Of(slot[..(Size - 4)]));
    }
}
