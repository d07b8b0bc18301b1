using System.Buffers;
using System.Security.Cryptography;

namespace NovaShim.XenServerSimulator.Guests.Journal;

/// <summary>Fills the buffer from a virtual offset of a disk.</summary>
internal delegate ValueTask DiskRead(long offset, Memory<byte> into, CancellationToken ct);

/// <summary>What a journal holds.</summary>
/// <param name="Records">How many.</param>
/// <param name="First">Number of the oldest, 0 without any.</param>
/// <param name="Last">Number of the newest, 0 without any.</param>
/// <param name="Boots">Boot number of the newest, 0 without any.</param>
/// <param name="Closed">Whether the newest is the one of a clean shutdown.</param>
internal sealed record JournalExtent(long Records, long First, long Last, int Boots, bool Closed);

/// <summary>Reads a disk's journal and proves that it is whole: every record's CRC right, the numbers contiguous through the ring.</summary>
internal static class JournalReader
{
    private const int Portion = 1 << 20;

    /// <exception cref="JournalException">It is not; the message names the first slot that is wrong.</exception>
    public static async Task<JournalExtent> ReadAsync(DiskRead read, Superblock superblock, CancellationToken ct)
    {
        long slots = superblock.Slots, start = 0, count = 0;
        JournalRecord newest = default;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Portion);
        try
        {
            for (long slot = 0; slot < slots; slot++)
            {
                int at = (int)(slot * JournalRecord.Size % Portion);
                if (at == 0)
                {
                    int length = (int)Math.Min(Portion, (slots - slot) * JournalRecord.Size);
                    await read(superblock.RingOffset + (slot * JournalRecord.Size), buffer.AsMemory(0, length), ct);
                }

                JournalRecord? record = ParseSlot(buffer.AsSpan(at, JournalRecord.Size), slot);
                if (slot == 0)
                {
                    start = record?.Sequence ?? 0;
                    if (record is not null && (start < 1 || (start - 1) % slots != 0))
                    {
                        throw new JournalException($"slot 0 holds record {start}, which has no place there");
                    }
                }

                // This lap's records come first, up to the newest; behind it stand the lap before, or nothing in the first lap.
                bool thisLap = record is not null && count == slot && record.Value.Sequence == start + slot;
                long expected = start > slots ? start - slots + slot : 0;
                if (thisLap)
                {
                    (count, newest) = (slot + 1, record!.Value);
                }
                else if ((record?.Sequence ?? 0) != expected)
                {
                    string holds = record is null ? "nothing" : $"record {record.Value.Sequence}";
                    throw new JournalException($"slot {slot} holds {holds} where {(expected == 0 ? "nothing" : $"record {expected}")} or {start + slot} belongs");
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (count == 0)
        {
            return new JournalExtent(0, 0, 0, 0, false);
        }

        bool wrapped = start > slots;
        return new JournalExtent(
            wrapped ? slots : count,
            wrapped ? newest.Sequence - slots + 1 : 1,
            newest.Sequence,
            newest.Boot,
            newest.Kind == RecordKind.Shutdown);
    }

    /// <summary>Proves that the image's content is as it was made.</summary>
    /// <exception cref="JournalException">It is not.</exception>
    public static async Task CheckContentAsync(DiskRead read, Superblock superblock, CancellationToken ct)
    {
        if (superblock.ContentLength == 0)
        {
            return;
        }

        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Portion);
        try
        {
            for (long done = 0; done < superblock.ContentLength;)
            {
                int length = (int)Math.Min(Portion, superblock.ContentLength - done);
                await read(superblock.ContentOffset + done, buffer.AsMemory(0, length), ct);
                hash.AppendData(buffer, 0, length);
                done += length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (!hash.GetHashAndReset().AsSpan().SequenceEqual(superblock.ContentHash.Span))
        {
            throw new JournalException($"the {superblock.ContentLength} bytes of content are not what the image was made with");
        }
    }

    private static JournalRecord? ParseSlot(ReadOnlySpan<byte> bytes, long slot)
    {
        try
        {
            return JournalRecord.Parse(bytes);
        }
        catch (JournalException e)
        {
            throw new JournalException($"slot {slot}: {e.Message}");
        }
    }
}
