using System.Linq.Expressions;
using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Tests;

/// <summary>A document store in memory that several control planes share as several processes would. Each opens it through a view of its own, which dies with its process.</summary>
internal sealed class MemoryStore(TimeProvider time)
{
    private readonly Dictionary<Type, object> _collections = [];
    private readonly Lock _gate = new();

    /// <summary>The store as a process sees it.</summary>
    public View Open() => new(this);

    /// <summary>All documents of a kind, in the order of their insertion.</summary>
    public IReadOnlyList<T> All<T>() where T : Document
    {
        lock (_gate)
        {
            return [.. Documents<T>().Values.OrderBy(d => d.CreatedAt)];
        }
    }

    private Dictionary<string, T> Documents<T>() where T : Document
    {
        if (!_collections.TryGetValue(typeof(T), out var found))
        {
            _collections[typeof(T)] = found = new Dictionary<string, T>(StringComparer.Ordinal);
        }

        return (Dictionary<string, T>)found;
    }

    /// <summary>The store of one process.</summary>
    internal sealed class View(MemoryStore store) : IDocumentStore
    {
        private Interlude? _interlude;

        /// <summary>Nothing that the process still does has an effect from now on.</summary>
        public bool Dead { get; private set; }

        /// <summary>After how many more writes the process dies; the last is applied, but its answer does not arrive.</summary>
        public int? DiesAfterWrites { get; set; }

        public void Kill() => Dead = true;

        /// <summary>Lets somebody else act between what this process has read last and what it writes next, or some writes later.</summary>
        public Interlude BeforeNextWrite(Func<Task> act, int writesBefore = 0) => _interlude = new Interlude(act, writesBefore);

        internal Task InterludeAsync() => _interlude?.PlayAsync() ?? Task.CompletedTask;

        public IDocumentCollection<T> Collection<T>() where T : Document => new Collection<T>(store, this);

        public Task InitializeAsync(CancellationToken cancellation) => Task.CompletedTask;

        public Task PingAsync(CancellationToken cancellation) => Task.CompletedTask;

        /// <summary>Whether the process cannot reach the store: it stands still, or its network is cut.</summary>
        public bool Away { get; set; }

        /// <summary>Throws when the process is dead, or the store is away.</summary>
        public void CheckReachable()
        {
            CheckAlive();
            if (Away)
            {
                throw new DocumentStoreException("away");
            }
        }

        /// <summary>Throws when the process is dead.</summary>
        public void CheckAlive()
        {
            if (Dead)
            {
                throw new ProcessDiedException();
            }
        }

        internal void Wrote()
        {
            if (DiesAfterWrites is { } left && (DiesAfterWrites = left - 1) <= 0)
            {
                Kill();
                CheckAlive();
            }
        }
    }

    private sealed class Collection<T>(MemoryStore store, View view) : IDocumentCollection<T> where T : Document
    {
        public Task<T?> GetAsync(string key, CancellationToken cancellation) => Do(documents => documents.GetValueOrDefault(key), cancellation);

        public Task<T> InsertAsync(T document, CancellationToken cancellation) => Do(
            documents =>
            {
                var stored = document with { Revision = 1, CreatedAt = store.Now };
                return documents.TryAdd(document.Key, stored) ? Written(stored) : throw new DuplicateKeyException($"{document.Key} is taken.");
            },
            cancellation);

        public async Task<T?> ReplaceAsync(T document, CancellationToken cancellation)
        {
            await view.InterludeAsync();
            return await Do(
                documents => documents.TryGetValue(document.Key, out var found) && found.Revision == document.Revision
                    ? Written(documents[document.Key] = document with { Revision = document.Revision + 1, UpdatedAt = store.Now })
                    : null,
                cancellation);
        }

        public Task<bool> DeleteAsync(T document, CancellationToken cancellation) => Do(
            documents => documents.TryGetValue(document.Key, out var found) && found.Revision == document.Revision && Written(documents.Remove(document.Key)), cancellation);

        public IQueryable<T> Query()
        {
            view.CheckReachable();
            lock (store._gate)
            {
                return store.Documents<T>().Values.ToList().AsQueryable();
            }
        }

        public Task<IReadOnlyList<TResult>> ListAsync<TResult>(IQueryable<TResult> query, CancellationToken cancellation) => Do(
            documents => query is IQueryable<T> && query.Expression is MethodCallExpression { Method.Name: "Where", Arguments: [ConstantExpression, UnaryExpression { Operand: Expression<Func<T, bool>> condition }] }
                // Compiling a condition costs more than running it.
                ? (IReadOnlyList<TResult>)documents.Values.Where(condition.Compile(preferInterpretation: true)).ToList()
                : [.. query],
            cancellation);

        public Task<long> CountAsync(Expression<Func<T, bool>> condition, CancellationToken cancellation) => Do(documents => documents.Values.AsQueryable().LongCount(condition), cancellation);

        private TResult Written<TResult>(TResult result)
        {
            view.Wrote();
            return result;
        }

        private Task<TResult> Do<TResult>(Func<Dictionary<string, T>, TResult> act, CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            view.CheckReachable();
            lock (store._gate)
            {
                return Task.FromResult(act(store.Documents<T>()));
            }
        }
    }

    private DateTime Now => time.GetUtcNow().UtcDateTime;
}

/// <summary>What happens once between a read and a write.</summary>
internal sealed class Interlude(Func<Task> act, int writesBefore)
{
    private int _writesBefore = writesBefore;

    public bool Done { get; private set; }

    public Task PlayAsync()
    {
        if (Done || _writesBefore-- > 0)
        {
            return Task.CompletedTask;
        }

        Done = true;
        return act();
    }
}

/// <summary>The process that would do this is dead.</summary>
internal sealed class ProcessDiedException() : Exception("the process is dead");
