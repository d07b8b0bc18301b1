using System.Buffers.Binary;
using System.Text;

namespace NovaShim.XenServer.ConfigDrive;

/// <summary>One of the two descriptions that an image has of its files: ECMA-119's own, with Rock Ridge in it, or Joliet's. They differ in names and order, and share the files.</summary>
internal sealed class IsoHierarchy
{
    private const int RecordHead = 33;
    private const byte FolderFlag = 2;

    private readonly bool _joliet;
    private readonly DateTime _time;

    // In the order of the path table, which is how folders are numbered.
    private readonly List<IsoNode> _folders;
    private readonly Dictionary<IsoNode, int> _numbers;
    private readonly Dictionary<IsoNode, (int Sector, int Bytes)> _extents = [];

    public IsoHierarchy(IsoNode root, bool joliet, DateTime time)
    {
        (_joliet, _time) = (joliet, time);
        _folders = [root];
        for (var i = 0; i < _folders.Count; i++)
        {
            _folders.AddRange(Sorted(_folders[i]).Where(c => c.IsFolder));
        }

        _numbers = _folders.Select((f, i) => (f, i)).ToDictionary(p => p.f, p => p.i + 1);
        PathTableBytes = _folders.Sum(f => PathEntry(f, big: false).Length);
    }

    /// <summary>Bytes of the path table.</summary>
    public int PathTableBytes { get; }

    /// <summary>Gives each folder its place, from a sector on; returns the first one behind them.</summary>
    public int Place(int sector)
    {
        foreach (var folder in _folders)
        {
            var bytes = Folder(folder, write: null);
            _extents[folder] = (sector, bytes);
            sector += IsoBytes.Sectors(bytes);
        }

        return sector;
    }

    /// <summary>The path table, once the folders have their places.</summary>
    /// <param name="big">With its numbers' high bytes first.</param>
    public byte[] PathTable(bool big) => [.. _folders.SelectMany(f => PathEntry(f, big))];

    /// <summary>The root's record, as the volume has it.</summary>
    public byte[] RootRecord() => Record([0], _folders[0], []);

    /// <summary>Writes the folders to their places in the image, once the files have theirs.</summary>
    public void Write(byte[] image)
    {
        foreach (var folder in _folders)
        {
            var at = _extents[folder].Sector * IsoBytes.Sector;
            Folder(folder, (offset, record) => record.CopyTo(image, at + offset));
        }
    }

    private IEnumerable<IsoNode> Sorted(IsoNode folder) => folder.Children.OrderBy(c => _joliet ? c.Name : c.PlainOrder, StringComparer.Ordinal);

    private byte[] Identifier(IsoNode node) => _joliet ? Encoding.BigEndianUnicode.GetBytes(node.Name) : Encoding.ASCII.GetBytes(node.PlainName);

    // No record goes over the end of a sector. Returns the bytes of the folder, which are whole sectors.
    private int Folder(IsoNode folder, Action<int, byte[]>? write)
    {
        IEnumerable<byte[]> records =
        [
            Record([0], folder, _joliet ? [] : RockRidge.OfSelf(folder, folder == _folders[0])),
            Record([1], folder.Parent, _joliet ? [] : RockRidge.OfParent(folder)),
            .. Sorted(folder).Select(c => Record(Identifier(c), c, _joliet ? [] : RockRidge.OfChild(c))),
        ];
        var offset = 0;
        foreach (var record in records)
        {
            if ((offset % IsoBytes.Sector) + record.Length > IsoBytes.Sector)
            {
                offset = IsoBytes.Sectors(offset) * IsoBytes.Sector;
            }

            write?.Invoke(offset, record);
            offset += record.Length;
        }

        return IsoBytes.Sectors(offset) * IsoBytes.Sector;
    }

    private byte[] Record(byte[] identifier, IsoNode node, byte[] systemUse)
    {
        var named = RecordHead + identifier.Length;
        var record = new byte[(named + (named % 2) + systemUse.Length + 1) / 2 * 2];
        var (sector, bytes) = node.Content is { } content ? (node.Sector, content.Length) : _extents.GetValueOrDefault(node);
        record[0] = checked((byte)record.Length);
        IsoBytes.Both32(record.AsSpan(2), sector);
        IsoBytes.Both32(record.AsSpan(10), bytes);
        IsoBytes.Short(record.AsSpan(18), _time);
        record[25] = node.IsFolder ? FolderFlag : (byte)0;
        IsoBytes.Both16(record.AsSpan(28), 1);
        record[32] = (byte)identifier.Length;
        identifier.CopyTo(record, RecordHead);
        systemUse.CopyTo(record, named + (named % 2));
        return record;
    }

    private byte[] PathEntry(IsoNode folder, bool big)
    {
        byte[] identifier = folder == _folders[0] ? [0] : Identifier(folder);
        var entry = new byte[8 + identifier.Length + (identifier.Length % 2)];
        var (sector, parent) = (_extents.GetValueOrDefault(folder).Sector, (ushort)_numbers[folder.Parent]);
        entry[0] = (byte)identifier.Length;
        if (big)
        {
            BinaryPrimitives.WriteInt32BigEndian(entry.AsSpan(2), sector);
            BinaryPrimitives.WriteUInt16BigEndian(entry.AsSpan(6), parent);
        }
        else
        {
            BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(2), sector);
            BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(6), parent);
        }

        identifier.CopyTo(entry, 8);
        return entry;
    }
}
