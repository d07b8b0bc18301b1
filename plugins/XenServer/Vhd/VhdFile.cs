namespace NovaShim.Vhd;

/// <summary>
/// One image file: fixed, dynamic or differencing, by itself (see <see cref="VhdChain"/> for an image with its parents).
/// Laid out as XenServer does. Not for several threads at once; several instances may read one file.
/// </summary>
/// <remarks>
/// Each write goes data, sector bitmap, block allocation table, end footer; the batmap when flushed or closed. So a process killed at any
/// point leaves an image that opens, by the footer copy at 0, and holds all earlier writes.
/// Memory: the block allocation table (4 bytes per 2 MiB of disk) and a bounded number of sector bitmaps; never data.
/// </remarks>
public sealed partial class VhdFile : IDisposable
{
    private readonly VhdMedium _medium;
    private readonly VhdAccess _access;
    private readonly List<string> _parents;
    private uint[] _bat = [];
    private VhdBatmap? _batmap;

    // Where the end footer stands or belongs; new blocks go there.
    private long _end;

    // Whether _end is followed by a trailer of ours or a good footer, and by nothing else.
    private bool _trailerStands;
    private bool _disposed;

    private VhdFile(VhdMedium medium, string path, VhdAccess access, VhdFooter footer, VhdHeader? header, List<string> parents)
    {
        _medium = medium;
        _access = access;
        _parents = parents;
        Path = path;
        Footer = footer;
        Header = header;
    }

    /// <summary>Absolute path of the file.</summary>
    public string Path { get; }

    public VhdFooter Footer { get; private set; }

    /// <summary>The dynamic header; null in a fixed image.</summary>
    public VhdHeader? Header { get; private set; }

    public VhdType Type => Footer.Type;

    public Guid Uuid => Footer.Uuid;

    /// <summary>Bytes of the disk.</summary>
    public long VirtualSize => Footer.CurrentSize;

    /// <summary>Bytes of the file.</summary>
    public long PhysicalUtilisation => _medium.Length;

    /// <summary>Whether the image is a base copy.</summary>
    public bool Hidden => Footer.Hidden;

    /// <summary>Bytes of a block; 0 in a fixed image, which has none.</summary>
    public int BlockSize => Header?.BlockSize ?? 0;

    /// <summary>The batmap's marker byte, 0 without a batmap.</summary>
    public byte Marker => _batmap?.Marker ?? 0;

    /// <summary>Blocks that have a place in the file; 0 in a fixed image.</summary>
    public int AllocatedBlocks => _bat.Count(entry => entry != VhdLayout.Unallocated);

    /// <summary>The largest size the disk can grow to without moving the block allocation table, bytes.</summary>
    public long FastResizeLimit => Header is null ? VirtualSize : (long)Header.BatEntries * Header.BlockSize;

    /// <summary>The file's time of change.</summary>
    public DateTimeOffset ChangedAt => _medium.ChangedAt;

    /// <summary>Whether the image is open for writing.</summary>
    public bool CanWrite => _access != VhdAccess.Read;

    /// <summary>Whether a block has a place in the file.</summary>
    public bool IsAllocated(int block) => block < _bat.Length && _bat[block] != VhdLayout.Unallocated;

    /// <summary>Marks the image as a base copy, or as a disk again, in both footers.</summary>
    public void SetHidden(bool hidden)
    {
        RequireWritable();
        Footer = Footer with { Hidden = hidden };
        WriteFooters();
    }

    /// <summary>
    /// Makes everything written so far durable. An image that is not attached is then complete, batmap included.
    /// </summary>
    public void Flush()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_access == VhdAccess.ReadWrite)
        {
            WriteBatmap();
        }

        _medium.Flush();
    }

    /// <summary>Writes the batmap back, and the end footer of an attached image, and closes the file.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        using (_medium)
        {
            try
            {
                if (CanWrite)
                {
                    WriteBatmap();
                }
            }
            finally
            {
                if (_access == VhdAccess.Attached)
                {
                    WriteEndFooter();
                }
            }
        }
    }

    private void WriteBatmap()
    {
        if (_batmap is { Changed: true })
        {
            _batmap.Write(_medium);
        }
    }

    /// <summary>Writes what an open image ends with: its footer, or the fill of an attached one.</summary>
    private void WriteTrailer()
    {
        if (_access == VhdAccess.Attached)
        {
            Span<byte> fill = stackalloc byte[VhdLayout.FooterSize];
            fill.Fill(VhdLayout.AttachedFill);
            WriteAtEnd(fill);
        }
        else
        {
            WriteEndFooter();
        }
    }

    private void WriteEndFooter()
    {
        Span<byte> bytes = stackalloc byte[VhdLayout.FooterSize];
        Footer.Write(bytes);
        WriteAtEnd(bytes);
    }

    private void WriteAtEnd(ReadOnlySpan<byte> trailer)
    {
        // A writer that was killed may have left room behind that no table names.
        if (_medium.Length > _end + trailer.Length)
        {
            _medium.SetLength(_end + trailer.Length);
        }

        _medium.Write(_end, trailer);
        _trailerStands = true;
    }

    /// <summary>Writes a changed footer: the copy first, then the end one where it stands in the file.</summary>
    private void WriteFooters()
    {
        if (Header is not null)
        {
            Span<byte> bytes = stackalloc byte[VhdLayout.FooterSize];
            Footer.Write(bytes);
            _medium.Write(0, bytes);
        }

        // Without a good end footer another process may have the image attached: its blocks may be where the footer would go.
        if (_trailerStands && _access == VhdAccess.ReadWrite)
        {
            WriteEndFooter();
        }
    }

    private void WriteHeader(VhdHeader header)
    {
        Span<byte> bytes = stackalloc byte[VhdLayout.HeaderSize];
        header.Write(bytes);
        _medium.Write((long)Footer.DataOffset, bytes);
        Header = header;
    }

    private void RequireWritable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!CanWrite)
        {
            throw new InvalidOperationException($"{Path} is open for reading only");
        }
    }
}
