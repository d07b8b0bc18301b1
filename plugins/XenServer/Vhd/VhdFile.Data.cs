using System.Buffers;
using System.Buffers.Binary;

namespace NovaShim.Vhd;

public sealed partial class VhdFile
{
    private const int CachedBitmaps = 64;

    // Sector bitmaps of the blocks touched last, written through.
    private readonly Dictionary<int, byte[]> _bitmaps = [];
    private readonly Queue<int> _bitmapOrder = [];

    private int BitmapBytes => VhdLayout.BitmapSize(BlockSize);

    /// <summary>Reads the image's own data; what it does not have reads as zeros, as does what lies beyond its size.</summary>
    public void Read(long offset, Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        while (buffer.Length > 0)
        {
            var run = RunAt(offset, buffer.Length);
            var part = buffer[..(int)run.Length];
            if (run.Present)
            {
                ReadPresent(offset, part);
            }
            else
            {
                part.Clear();
            }

            offset += part.Length;
            buffer = buffer[part.Length..];
        }
    }

    /// <summary>
    /// Writes whole sectors into the image's own data, giving blocks a place as needed.
    /// </summary>
    /// <exception cref="ArgumentException">Offset or length is not a multiple of 512, or reaches beyond the disk.</exception>
    /// <exception cref="IOException">The disk that holds the file is full; what was there before stays readable.</exception>
    public void Write(long offset, ReadOnlySpan<byte> data)
    {
        RequireWritable();
        if (offset < 0 || offset % VhdLayout.Sector != 0 || data.Length % VhdLayout.Sector != 0 || offset > VirtualSize - data.Length)
        {
            throw new ArgumentException($"{data.Length} bytes at {offset} are not whole sectors of a disk of {VirtualSize} bytes", nameof(offset));
        }

        if (Header is null)
        {
            _medium.Write(offset, data);
            return;
        }

        while (data.Length > 0)
        {
            var block = (int)(offset / BlockSize);
            var inBlock = (int)(offset % BlockSize);
            var part = data[..Math.Min(data.Length, BlockSize - inBlock)];
            if (_bat[block] == VhdLayout.Unallocated)
            {
                WriteNewBlock(block, inBlock, part);
            }
            else
            {
                _medium.Write(DataPlace(block) + inBlock, part);
                SetWritten(block, inBlock / VhdLayout.Sector, part.Length / VhdLayout.Sector);
            }

            offset += part.Length;
            data = data[part.Length..];
        }
    }

    /// <summary>The stretches of the disk this image itself holds, in order.</summary>
    public IEnumerable<VhdExtent> Extents() => VhdRun.PresentOf(VirtualSize, offset => RunAt(offset, VirtualSize - offset));

    /// <summary>How far from an offset on, at most <paramref name="limit"/> bytes, own data is all there or all missing. Never empty.</summary>
    internal VhdRun RunAt(long offset, long limit)
    {
        if (offset >= VirtualSize)
        {
            return new VhdRun(limit, false);
        }

        limit = Math.Min(limit, VirtualSize - offset);
        if (Header is null)
        {
            return new VhdRun(limit, true);
        }

        var block = (int)(offset / BlockSize);
        var inBlock = (int)(offset % BlockSize);
        if (_bat[block] == VhdLayout.Unallocated)
        {
            var length = (long)BlockSize - inBlock;
            while (length < limit && _bat[++block] == VhdLayout.Unallocated)
            {
                length += BlockSize;
            }

            return new VhdRun(Math.Min(length, limit), false);
        }

        if (_batmap?.IsFull(block) == true)
        {
            return new VhdRun(Math.Min(limit, BlockSize - inBlock), true);
        }

        var sector = inBlock / VhdLayout.Sector;
        var end = SectorBits.EndOfRun(Bitmap(block), sector, BlockSize / VhdLayout.Sector, out var present);
        return new VhdRun(Math.Min(limit, ((long)end * VhdLayout.Sector) - inBlock), present);
    }

    /// <summary>Reads data a run said is there: within one block.</summary>
    internal void ReadPresent(long offset, Span<byte> buffer) =>
        _medium.Read(Header is null ? offset : DataPlace((int)(offset / BlockSize)) + (offset % BlockSize), buffer);

    private long DataPlace(int block) => (_bat[block] * (long)VhdLayout.Sector) + BitmapBytes;

    private byte[] Bitmap(int block)
    {
        if (_bitmaps.TryGetValue(block, out var bitmap))
        {
            return bitmap;
        }

        bitmap = new byte[BitmapBytes];
        _medium.Read(_bat[block] * (long)VhdLayout.Sector, bitmap);
        Remember(block, bitmap);
        return bitmap;
    }

    private void Remember(int block, byte[] bitmap)
    {
        if (_bitmapOrder.Count == CachedBitmaps)
        {
            _bitmaps.Remove(_bitmapOrder.Dequeue());
        }

        _bitmaps[block] = bitmap;
        _bitmapOrder.Enqueue(block);
    }

    private void SetWritten(int block, int sector, int count)
    {
        if (_batmap?.IsFull(block) == true)
        {
            return;
        }

        var bitmap = Bitmap(block);
        if (SectorBits.Set(bitmap, sector, count))
        {
            _medium.Write(_bat[block] * (long)VhdLayout.Sector, bitmap);
        }

        NoteFull(block, bitmap);
    }

    private void NoteFull(int block, byte[] bitmap)
    {
        if (_batmap is not null && SectorBits.EndOfRun(bitmap, 0, BlockSize / VhdLayout.Sector, out var present) == BlockSize / VhdLayout.Sector && present)
        {
            _batmap.SetFull(block);
        }
    }

    /// <summary>
    /// Gives a block its place at the end of the file, data on a 4096 boundary. The table names it only when data and bitmap are there;
    /// the room is cut off and made again first, so that what a killed writer left in it cannot show through.
    /// </summary>
    private void WriteNewBlock(int block, int inBlock, ReadOnlySpan<byte> part)
    {
        var start = VhdLayout.AlignUp(_end + BitmapBytes, VhdLayout.DataAlignment) - BitmapBytes;
        var end = start + BitmapBytes + BlockSize;
        if (end / VhdLayout.Sector >= VhdLayout.Unallocated)
        {
            throw new IOException($"{Path}: no room for another block, the file has reached the format's 2 TiB");
        }

        var bitmap = new byte[BitmapBytes];
        SectorBits.Set(bitmap, inBlock / VhdLayout.Sector, part.Length / VhdLayout.Sector);
        try
        {
            _trailerStands = false;
            _medium.SetLength(_end);
            _medium.SetLength(end + VhdLayout.FooterSize);
            _medium.Write(start + BitmapBytes + inBlock, part);
            _medium.Write(start, bitmap);
            WriteBatEntry(block, (uint)(start / VhdLayout.Sector));
        }
        catch (IOException)
        {
            GiveUpNewBlock();
            throw;
        }

        _bat[block] = (uint)(start / VhdLayout.Sector);
        Remember(block, bitmap);
        NoteFull(block, bitmap);
        _end = end;
        WriteTrailer();
    }

    /// <summary>Puts the trailer back where it was. Should that fail too, the copy at 0 still opens the image.</summary>
    private void GiveUpNewBlock()
    {
        try
        {
            _medium.SetLength(_end);
            WriteTrailer();
        }
        catch (IOException)
        {
            // The first failure is the one to report.
        }
    }

    private void WriteBatEntry(int block, uint sector)
    {
        Span<byte> entry = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(entry, sector);
        _medium.Write(Header!.BatOffset + (block * 4L), entry);
    }

    /// <summary>Fills a stretch of the file through a bounded buffer.</summary>
    private static void Fill(VhdMedium medium, long offset, long length, byte value)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(length, 64 << 10));
        buffer.AsSpan().Fill(value);
        for (var done = 0L; done < length;)
        {
            var count = (int)Math.Min(buffer.Length, length - done);
            medium.Write(offset + done, buffer.AsSpan(0, count));
            done += count;
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }
}
