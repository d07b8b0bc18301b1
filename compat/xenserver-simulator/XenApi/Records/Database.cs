using System.Collections.Concurrent;
using NovaShim.XenServerSimulator.XenApi.Model;

namespace NovaShim.XenServerSimulator.XenApi.Records;

/// <summary>
/// Every object of the pool, in memory to read and in a file to survive (<see cref="RecordFile"/>). Each change raises the generation by one;
/// the generations of objects are what <c>event.from</c> compares its token with.
/// </summary>
internal sealed class Database : IDisposable
{
    /// <summary>Objects of these classes belong to the running server and are gone with it, as references are.</summary>
    private static readonly HashSet<string> Fleeting = ["session", "task"];

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, Record> _records = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ConcurrentDictionary<string, Record>> _classes;
    private readonly Queue<Deletion> _deletions = new();
    private readonly RecordFile _file;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Database(DataModel model, string file)
    {
        Model = model;
        _file = new RecordFile(file);
        _classes = model.Classes.Keys.ToDictionary(name => name, _ => new ConcurrentDictionary<string, Record>(StringComparer.Ordinal));
        Generation = _file.ReadGeneration() + 1;
        foreach (Record record in _file.ReadAll(model, Generation))
        {
            _records[record.Ref] = record;
            _classes[record.Class.Name][record.Ref] = record;
        }
    }

    public DataModel Model { get; }

    public long Generation { get; private set; }

    public bool IsEmpty => _records.IsEmpty;

    public Record? Find(string reference) => _records.GetValueOrDefault(reference);

    public Record Get(string className, string reference) =>
        Find(reference) is { } record && record.Class.Name == className ? record : throw ApiFailure.HandleInvalid(className, reference);

    public IEnumerable<Record> All(string className) => _classes[className].Values;

    public Record? FindByUuid(string className, string uuid) => All(className).FirstOrDefault(record => record.Uuid == uuid);

    public T Change<T>(Func<Transaction, T> work)
    {
        lock (_gate)
        {
            Transaction transaction = new(this);
            T result = work(transaction);
            Commit(transaction);
            return result;
        }
    }

    public void Change(Action<Transaction> work) => Change(transaction =>
    {
        work(transaction);
        return true;
    });

    /// <summary>Marks an object as changed though nothing was written to it, so that events tell of it.</summary>
    public void Touch(string reference) => Change(transaction =>
    {
        if (transaction.Find(reference) is { } record)
        {
            transaction.Set(reference, "uuid", record.Uuid);
        }
    });

    /// <summary>What happened after a generation: the objects changed since and those deleted since, with the generation this is the state of.</summary>
    public (long Generation, IReadOnlyList<Record> Changed, IReadOnlyList<Deletion> Deleted) Since(long generation)
    {
        lock (_gate)
        {
            return (
                Generation,
                [.. _records.Values.Where(r => r.Modified > generation).OrderBy(r => r.Modified)],
                [.. _deletions.Where(d => d.Generation > generation && d.Created <= generation)]);
        }
    }

    /// <summary>A task that ends at the first change after generation <paramref name="seen"/>.</summary>
    public Task ChangedAfter(long seen)
    {
        lock (_gate)
        {
            return Generation > seen ? Task.CompletedTask : _changed.Task;
        }
    }

    public void Dispose() => _file.Dispose();

    private void Commit(Transaction transaction)
    {
        if (transaction.Staged.Count == 0)
        {
            return;
        }

        long generation = Generation + 1;
        Dictionary<string, Record?> changes = new(StringComparer.Ordinal);
        foreach ((string reference, Record? after) in transaction.Staged)
        {
            Record? before = Find(reference);
            if (before is not null || after is not null)
            {
                changes[reference] = after is null ? null : after with { Modified = generation, Created = before?.Created ?? generation };
            }
        }

        foreach (string other in transaction.Staged.SelectMany(pair => Relations.Touched(Find(pair.Key), pair.Value)).Distinct().ToArray())
        {
            if (!changes.ContainsKey(other) && Find(other) is { } touched)
            {
                changes[other] = touched with { Modified = generation };
            }
        }

        _file.Write(generation, changes.Where(change => !Fleeting.Contains((change.Value ?? Find(change.Key)!).Class.Name)));
        foreach ((string reference, Record? after) in changes)
        {
            if (after is not null)
            {
                _records[reference] = after;
                _classes[after.Class.Name][reference] = after;
            }
            else if (_records.TryRemove(reference, out Record? gone))
            {
                _classes[gone.Class.Name].TryRemove(reference, out _);
                _deletions.Enqueue(new Deletion(gone.Class.Name, reference, gone.Created, generation));
            }
        }

        while (_deletions.Count > 10_000)
        {
            _deletions.Dequeue();
        }

        Generation = generation;
        TaskCompletionSource changed = _changed;
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.SetResult();
    }
}

internal sealed record Deletion(string Class, string Ref, long Created, long Generation);
