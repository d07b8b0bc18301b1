using System.Buffers.Binary;
using System.Text;
using NovaShim.XenServerSimulator.Guests.Journal;

namespace NovaShim.XenServerSimulator.Guests.Agent;

/// <summary>Writes to a virtual offset of a disk.</summary>
internal delegate ValueTask DiskWrite(long offset, ReadOnlyMemory<byte> data, CancellationToken ct);

/// <summary>A file of a guest.</summary>
internal sealed record GuestFile(string Path, ReadOnlyMemory<byte> Content);

/// <summary>
/// The small file system of a simulated guest: what it was given is on its disk, and goes where that goes. It lies in the room between the superblock and the journal's ring, which on a disk without files is blank. A block of
/// 4 KiB holds a file, little-endian: magic(8), version(8), length of the path(4) and of the content(4), both, zeros, CRC-32 of all before it (last 4). A file that is replaced is written to a free block
/// first, with a higher version, and its old block blanked then: of two blocks with one path, the higher version is the file.
/// </summary>
internal sealed class GuestFiles
{
    private const int Block = 4096;
    private const int HeaderSize = 24;
    private const long AreaEnd = 1 << 20;

    private readonly DiskWrite _write;
    private readonly Slot?[] _slots;

    private GuestFiles(DiskWrite write, Slot?[] slots) => (_write, _slots) = (write, slots);

    /// <summary>The most bytes that a file's path and content may have together.</summary>
    public const int MaxBytes = Block - HeaderSize - 4;

    /// <summary>All files, in the order of their paths.</summary>
    public IEnumerable<GuestFile> All => _slots.OfType<Slot>().GroupBy(s => s.File.Path, StringComparer.Ordinal).Select(g => g.MaxBy(s => s.Version)!.File).OrderBy(f => f.Path, StringComparer.Ordinal);

    private static ReadOnlySpan<byte> Magic => "NSGFILE1"u8;

    /// <summary>Reads what is there.</summary>
    /// <exception cref="JournalException">A block is neither blank nor a good file.</exception>
    public static async Task<GuestFiles> ReadAsync(DiskRead read, DiskWrite write, Superblock superblock, CancellationToken ct)
    {
        long end = Math.Min(AreaEnd, superblock.ContentLength > 0 ? Math.Min(superblock.RingOffset, superblock.ContentOffset) : superblock.RingOffset);
        Slot?[] slots = new Slot?[Math.Max(0, (int)(end / Block) - 1)];
        byte[] area = new byte[slots.Length * Block];
        await read(Superblock.Size, area, ct);
        for (int i = 0; i < slots.Length; i++)
        {
            slots[i] = Parse(area.AsSpan(i * Block, Block), i);
        }

        return new GuestFiles(write, slots);
    }

    /// <summary>Writes a file, in place of one with its path.</summary>
    /// <exception cref="IOException">There is no room for it.</exception>
    public async Task PutAsync(GuestFile file, CancellationToken ct)
    {
        int free = Array.IndexOf(_slots, null);
        if (free < 0 || Encoding.UTF8.GetByteCount(file.Path) + file.Content.Length > MaxBytes)
        {
            throw new IOException("[Errno 28] No space left on device");
        }

        int[] old = [.. Enumerable.Range(0, _slots.Length).Where(i => _slots[i]?.File.Path == file.Path)];
        Slot slot = new(old.Select(i => _slots[i]!.Version).DefaultIfEmpty(0).Max() + 1, file);
        await _write(OffsetOf(free), ToBlock(slot), ct);
        _slots[free] = slot;
        foreach (int i in old)
        {
            await _write(OffsetOf(i), new byte[Block], ct);
            _slots[i] = null;
        }
    }

    private static long OffsetOf(int slot) => Superblock.Size + ((long)slot * Block);

    private static byte[] ToBlock(Slot slot)
    {
        byte[] block = new byte[Block], path = Encoding.UTF8.GetBytes(slot.File.Path);
        Magic.CopyTo(block);
        BinaryPrimitives.WriteInt64LittleEndian(block.AsSpan(8), slot.Version);
        BinaryPrimitives.WriteInt32LittleEndian(block.AsSpan(16), path.Length);
        BinaryPrimitives.WriteInt32LittleEndian(block.AsSpan(20), slot.File.Content.Length);
        path.CopyTo(block, HeaderSize);
        slot.File.Content.Span.CopyTo(block.AsSpan(HeaderSize + path.Length));
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(Block - 4), Crc32.Of(block.AsSpan(0, Block - 4)));
        return block;
    }

    private static Slot? Parse(ReadOnlySpan<byte> block, int slot)
    {
        if (!block.StartsWith(Magic))
        {
            return block.ContainsAnyExcept((byte)0) ? throw new JournalException($"file block {slot}: neither empty nor a file") : null;
        }

        int path = BinaryPrimitives.ReadInt32LittleEndian(block[16..]), content = BinaryPrimitives.ReadInt32LittleEndian(block[20..]);
        return Crc32.Of(block[..(Block - 4)]) != BinaryPrimitives.ReadUInt32LittleEndian(block[(Block - 4)..]) || path < 0 || content < 0 || path > MaxBytes - content
            ? throw new JournalException($"file block {slot}: a file with a wrong CRC")
            : new Slot(
                BinaryPrimitives.ReadInt64LittleEndian(block[8..]),
                new GuestFile(Encoding.UTF8.GetString(block.Slice(HeaderSize, path)), block.Slice(HeaderSize + path, content).ToArray()));
    }

    private sealed record Slot(long Version, GuestFile File);
}
