namespace NovaShim.Vhd;

/// <summary>
/// A disk: an image with all its parents. A sector is read from the first image, from the leaf down, that has it; one that none has, and
/// what lies beyond the size of a shorter parent, reads as zeros. Writes go to the leaf. Not for several threads at once.
/// </summary>
public sealed class VhdChain : IDisposable
{
    private readonly List<VhdFile> _files;

    private VhdChain(List<VhdFile> files) => _files = files;

    /// <summary>The images, leaf first, root last.</summary>
    public IReadOnlyList<VhdFile> Files => _files;

    public VhdFile Leaf => _files[0];

    /// <summary>Bytes of the disk: the leaf's size.</summary>
    public long VirtualSize => Leaf.VirtualSize;

    /// <summary>Opens an image with its parents; the parents for reading only.</summary>
    /// <exception cref="VhdParentMissingException">A parent is not where its child says.</exception>
    /// <exception cref="VhdFormatException">One of the files is broken, a parent is not the one its child names, or the chain runs in a circle.</exception>
    public static VhdChain Open(string path, VhdAccess access = VhdAccess.Read)
    {
        var files = new List<VhdFile> { VhdFile.Open(path, access) };
        try
        {
            while (files[^1].Type == VhdType.Differencing)
            {
                var parent = files[^1].OpenParent();
                var circle = files.Any(file => file.Uuid == parent.Uuid);
                files.Add(parent);
                if (circle || files.Count > VhdLayout.MaxChain)
                {
                    throw new VhdFormatException($"{path}: its chain of parents {(circle ? "runs in a circle" : "is too long")} at {parent.Path}");
                }
            }

            return new VhdChain(files);
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>Reads the disk at any offset; what lies beyond its size reads as zeros.</summary>
    public void Read(long offset, Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        while (buffer.Length > 0)
        {
            var length = (long)buffer.Length;
            var present = false;
            for (var i = 0; i < _files.Count && !present; i++)
            {
                (length, present) = _files[i].RunAt(offset, length);
                if (present)
                {
                    _files[i].ReadPresent(offset, buffer[..(int)length]);
                }
            }

            if (!present)
            {
                buffer[..(int)length].Clear();
            }

            offset += length;
            buffer = buffer[(int)length..];
        }
    }

    /// <summary>Writes to the leaf at any offset. Sectors written in part are filled up from the chain.</summary>
    /// <exception cref="ArgumentException">The range reaches beyond the disk.</exception>
    public void Write(long offset, ReadOnlySpan<byte> data)
    {
        if (offset < 0 || offset > VirtualSize - data.Length)
        {
            throw new ArgumentException($"{data.Length} bytes at {offset} are not within a disk of {VirtualSize} bytes", nameof(offset));
        }

        var head = (int)(offset % VhdLayout.Sector);
        if (head != 0 || (data.Length > 0 && data.Length < VhdLayout.Sector))
        {
            var count = Math.Min(data.Length, VhdLayout.Sector - head);
            WriteWithinSector(offset - head, head, data[..count]);
            offset += count;
            data = data[count..];
        }

        var whole = data.Length / VhdLayout.Sector * VhdLayout.Sector;
        if (whole > 0)
        {
            Leaf.Write(offset, data[..whole]);
        }

        if (whole < data.Length)
        {
            WriteWithinSector(offset + whole, 0, data[whole..]);
        }
    }

    /// <summary>Makes the leaf durable as far as its way of being open allows (<see cref="VhdFile.Flush"/>).</summary>
    public void Flush() => Leaf.Flush();

    /// <summary>The stretches of the disk that the first <paramref name="files"/> images of the chain hold (all by default), in order.</summary>
    /// <remarks>With a base snapshot's depth as the number, that is what has changed since it.</remarks>
    public IEnumerable<VhdExtent> Extents(int files = int.MaxValue) => VhdRun.PresentOf(VirtualSize, offset => RunAt(offset, VirtualSize - offset, files));

    public void Dispose() => _files.ForEach(file => file.Dispose());

    /// <summary>How far from an offset on the first images all miss, or some one of them has, the data.</summary>
    internal VhdRun RunAt(long offset, long limit, int files)
    {
        for (var i = 0; i < Math.Min(files, _files.Count); i++)
        {
            var run = _files[i].RunAt(offset, limit);
            if (run.Present)
            {
                return run;
            }

            limit = run.Length;
        }

        return new VhdRun(limit, false);
    }

    private void WriteWithinSector(long sectorOffset, int at, ReadOnlySpan<byte> data)
    {
        Span<byte> sector = stackalloc byte[VhdLayout.Sector];
        Read(sectorOffset, sector);
        data.CopyTo(sector[at..]);
        Leaf.Write(sectorOffset, sector);
    }
}
