using NovaShim.XenServerSimulator.Storage;
using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.XenApi.Repositories;

/// <summary>Keeps the VDI objects in step with the files: what a scan finds, what a snapshot makes, what the garbage collector does by itself.</summary>
internal sealed class VdiRecords(Database database, StorageRepository storage, TimeProvider time) : IDisposable
{
    private const string ParentKey = "vhd-parent";

    /// <summary>What a snapshot or a clone has from the VDI it was made of.</summary>
    private static readonly string[] Inherited =
        ["name_label", "name_description", "type", "sharable", "read_only", "other_config", "xenstore_data", "tags"];

    private readonly SemaphoreSlim _oneAtATime = new(1);

    /// <summary>The one SR of the host.</summary>
    public string Sr => database.All("SR").First().Ref;

    /// <summary>
    /// Does one thing to the files and writes it into the objects before anything else is done to either: a scan must not take a disk for gone
    /// that was made after it had listed the files.
    /// </summary>
    public async Task<T> TogetherAsync<T>(Func<Task<T>> work, CancellationToken cancellation)
    {
        await _oneAtATime.WaitAsync(cancellation);
        try
        {
            return await work();
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <summary>Makes the objects match the files: new files are introduced, gone ones forgotten with their VBDs, the rest updated.</summary>
    public Task ScanAsync(CancellationToken cancellation) => TogetherAsync(
        async () =>
        {
            IReadOnlyList<VhdFacts> files = await storage.ScanAsync(cancellation);
            database.Change(tx => Reconcile(tx, files));
            return true;
        },
        cancellation);

    private void Reconcile(Transaction tx, IReadOnlyList<VhdFacts> files)
    {
        Dictionary<string, Record> known = tx.All("VDI").ToDictionary(r => r.Uuid, StringComparer.Ordinal);
        foreach (VhdFacts file in files)
        {
            if (known.Remove(file.Uuid, out Record? record))
            {
                Update(tx, record, file);
            }
            else
            {
                Introduce(tx, file, file.Hidden ? [new("name_label", "base copy"), new("read_only", true)] : []);
            }
        }

        foreach (Record gone in known.Values)
        {
            Forget(tx, gone.Ref);
        }

        UpdateTotals(tx);
    }

    /// <summary>What the SR's other_config lets the garbage collector do: <c>coalesce</c> and <c>leaf-coalesce</c>, on unless they are "false".</summary>
    public static StorageOptions Switched(Database database, StorageOptions options)
    {
        ValueMap config = database.All("SR").First().Map("other_config");
        bool IsOn(string key) => !config.TryGetValue(key, out object? value) || (string)value != "false";
        return options with { Coalesce = options.Coalesce && IsOn("coalesce"), LeafCoalesce = options.LeafCoalesce && IsOn("leaf-coalesce") };
    }

    /// <summary>Mirrors what the garbage collector did.</summary>
    public void Mirror(StorageChange change)
    {
        _oneAtATime.Wait();
        try
        {
            database.Change(tx => Mirror(tx, change));
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    public string Introduce(Transaction tx, VhdFacts file, IEnumerable<KeyValuePair<string, object>> fields)
    {
        Dictionary<string, object> all = new(fields, StringComparer.Ordinal)
        {
            ["SR"] = Sr,
            ["location"] = file.Uuid,
            ["managed"] = !file.Hidden,
            ["virtual_size"] = file.VirtualSize,
            ["physical_utilisation"] = file.PhysicalUtilisation,
        };
        all["sm_config"] = Parented((ValueMap)all.GetValueOrDefault("sm_config", Values.NoMap), file.ParentUuid);
        all.TryAdd("type", "user");
        return tx.Create("VDI", all, file.Uuid);
    }

    /// <summary>Forgets a VDI together with the VBDs that show it.</summary>
    public void Forget(Transaction tx, string vdi)
    {
        foreach (Record vbd in tx.All("VBD").Where(r => r.Text("VDI") == vdi).ToArray())
        {
            tx.Delete(vbd.Ref);
        }

        tx.Delete(vdi);
        UpdateTotals(tx);
    }

    /// <summary>Snapshots or clones a VDI's file and makes the objects that follow from it; returns the new VDI.</summary>
    /// <param name="vdi">The leaf.</param>
    /// <param name="isSnapshot">False for a clone, which is a disk in its own right.</param>
    /// <param name="cancellation">Ends the wait for the repository.</param>
    public Task<string> BranchAsync(Record vdi, bool isSnapshot, CancellationToken cancellation) =>
        TogetherAsync(() => BranchAloneAsync(vdi, isSnapshot, cancellation), cancellation);

    public void Dispose() => _oneAtATime.Dispose();

    private async Task<string> BranchAloneAsync(Record vdi, bool isSnapshot, CancellationToken cancellation)
    {
        SnapshotFacts facts = await storage.SnapshotAsync(vdi.Uuid, cancellation);
        VhdFacts? child = await storage.FindAsync(facts.SnapshotUuid, cancellation);
        VhdFacts? baseCopy = facts.BaseCopyUuid is null ? null : await storage.FindAsync(facts.BaseCopyUuid, cancellation);
        return database.Change(tx =>
        {
            Record now = tx.Get("VDI", vdi.Ref);
            if (baseCopy is not null)
            {
                Introduce(tx, baseCopy, [new("name_label", "base copy"), new("read_only", true), new("type", now["type"])]);
            }

            Update(tx, now, facts.Leaf);
            string made = Introduce(
                tx,
                child ?? new VhdFacts(facts.SnapshotUuid, facts.Leaf.VirtualSize, facts.Leaf.PhysicalUtilisation, facts.Leaf.ParentUuid, false),
                [
                    .. Inherited.Select(field => KeyValuePair.Create(field, now[field])),
                    new("is_a_snapshot", isSnapshot),
                    new("snapshot_of", isSnapshot ? now.Ref : Values.NullRef),
                    new("snapshot_time", isSnapshot ? time.GetUtcNow().UtcDateTime : DateTime.UnixEpoch),
                ]);
            UpdateTotals(tx);
            return made;
        });
    }

    public static void Update(Transaction tx, Record record, VhdFacts file) => tx.Set(
        record.Ref,
        ("virtual_size", file.VirtualSize),
        ("physical_utilisation", file.PhysicalUtilisation),
        ("managed", !file.Hidden),
        ("missing", false),
        ("sm_config", Parented(record.Map("sm_config"), file.ParentUuid)));

    public void UpdateTotals(Transaction tx)
    {
        DriveInfo drive = new(storage.Directory);
        tx.Set(
            Sr,
            ("physical_size", drive.TotalSize),
            ("physical_utilisation", new DirectoryInfo(storage.Directory).EnumerateFiles().Sum(file => file.Length)),
            ("virtual_allocation", tx.All("VDI").Where(vdi => vdi.Flag("managed")).Sum(vdi => vdi.Int("virtual_size"))));
    }

    private void Mirror(Transaction tx, StorageChange change)
    {
        if (tx.All("VDI").FirstOrDefault(r => r.Uuid == change.Uuid) is { } record)
        {
            switch (change)
            {
                case StorageChange.Forgotten:
                    Forget(tx, record.Ref);
                    break;
                case StorageChange.Reparented reparented:
                    tx.Set(record.Ref, "sm_config", Parented(record.Map("sm_config"), reparented.ParentUuid));
                    break;
            }

            UpdateTotals(tx);
        }
    }

    private static ValueMap Parented(ValueMap config, string? parent) => parent is null ? config.Without(ParentKey) : config.With(ParentKey, parent);
}
