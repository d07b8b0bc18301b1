namespace NovaShim.XenServerSimulator.Storage;

/// <summary>Which VDIs are in use: each by one writer or by any number of readers.</summary>
internal sealed class AttachLocks
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _readers = [];
    private readonly HashSet<string> _writers = [];
    private readonly HashSet<Disk> _disks = [];

    /// <exception cref="StorageException">24.</exception>
    public void Take(string uuid, bool readOnly)
    {
        lock (_lock)
        {
            if (_writers.Contains(uuid) || (!readOnly && _readers.ContainsKey(uuid)))
            {
                throw StorageException.InUse(uuid);
            }

            if (readOnly)
            {
                _readers[uuid] = _readers.GetValueOrDefault(uuid) + 1;
            }
            else
            {
                _writers.Add(uuid);
            }
        }
    }

    public void Release(string uuid, bool readOnly)
    {
        lock (_lock)
        {
            if (!readOnly)
            {
                _writers.Remove(uuid);
            }
            else if (--_readers[uuid] == 0)
            {
                _readers.Remove(uuid);
            }
        }
    }

    public void Add(Disk disk)
    {
        lock (_lock)
        {
            _disks.Add(disk);
        }
    }

    /// <summary>Forgets a disk and frees its VDI; doing it again does nothing.</summary>
    public void Remove(Disk disk)
    {
        lock (_lock)
        {
            if (_disks.Remove(disk))
            {
                Release(disk.Uuid, disk.ReadOnly);
            }
        }
    }

    public bool Holds(string uuid)
    {
        lock (_lock)
        {
            return _writers.Contains(uuid) || _readers.ContainsKey(uuid);
        }
    }

    /// <summary>The open disks of those VDIs.</summary>
    public IReadOnlyList<Disk> DisksOf(Func<string, bool> uuids)
    {
        lock (_lock)
        {
            return [.. _disks.Where(disk => uuids(disk.Uuid))];
        }
    }
}
