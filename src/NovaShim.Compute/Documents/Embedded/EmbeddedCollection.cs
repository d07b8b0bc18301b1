using System.Collections.Immutable;
using System.Linq.Expressions;

namespace NovaShim.Compute.Documents.Embedded;

/// <summary>What the store needs of a collection whatever its type is.</summary>
internal interface IEmbeddedCollection : IDisposable
{
    /// <summary>Makes the table, loads the documents and lets operations in.</summary>
    void Open(DocumentFile file, CommitQueue commits);
}

/// <summary>
/// A collection in memory, every write of which is in the file before it is visible or answered. What is kept and handed out is what the file says (a document read back from its own JSON), so
/// that a restart changes nothing. Queries are LINQ to objects over one immutable state: a query never sees half of a commit.
/// </summary>
internal sealed class EmbeddedCollection<T>(DocumentKind kind, TimeProvider time) : IDocumentCollection<T>, IEmbeddedCollection
    where T : Document
{
    private volatile ImmutableDictionary<string, T>? documents;
    private DocumentTable<T>? table;
    private CommitQueue? queue;

    private ImmutableDictionary<string, T> Documents => documents ?? throw new DocumentStoreException("The document store is not open.");

    public void Open(DocumentFile file, CommitQueue commits)
    {
        table = new DocumentTable<T>(file.Connection, kind);
        queue = commits;
        documents = table.Load();
    }

    public void Dispose()
    {
        documents = null;
        table?.Dispose();
    }

    public Task<T?> GetAsync(string key, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return Task.FromResult(Documents.GetValueOrDefault(key));
    }

    public async Task<T> InsertAsync(T document, CancellationToken cancellation)
    {
        ArgumentException.ThrowIfNullOrEmpty(document.Key);
        var (stored, body) = Stored(document with { Revision = 1, CreatedAt = Now(), UpdatedAt = null });
        await WriteAsync(() =>
        {
            table!.Insert(stored, body);
            return true;
        }, state => state.SetItem(stored.Key, stored), cancellation);
        return stored;
    }

    public async Task<T?> ReplaceAsync(T document, CancellationToken cancellation)
    {
        var (stored, body) = Stored(document with { Revision = document.Revision + 1, UpdatedAt = Now() });
        return await WriteAsync(() => table!.Replace(stored, body), state => state.SetItem(stored.Key, stored), cancellation) ? stored : null;
    }

    public Task<bool> DeleteAsync(T document, CancellationToken cancellation) =>
        WriteAsync(() => table!.Delete(document), state => state.Remove(document.Key), cancellation);

    public IQueryable<T> Query() => Documents.Values.AsQueryable();

    public Task<IReadOnlyList<TResult>> ListAsync<TResult>(IQueryable<TResult> query, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return Task.FromResult<IReadOnlyList<TResult>>(query.ToArray());
    }

    public Task<long> CountAsync(Expression<Func<T, bool>> condition, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return Task.FromResult(Documents.Values.LongCount(condition.Compile()));
    }

    private static (T Stored, string Body) Stored(T document)
    {
        var body = DocumentJson.Write(document);
        return (DocumentJson.Read<T>(body), body);
    }

    private DateTime Now() => time.GetUtcNow().UtcDateTime;

    private Task<bool> WriteAsync(Func<bool> execute, Func<ImmutableDictionary<string, T>, ImmutableDictionary<string, T>> publish, CancellationToken cancellation)
    {
        // Only before it is in the queue: a write that has begun is waited for, so that its writer knows what became of it.
        cancellation.ThrowIfCancellationRequested();
        _ = Documents;
        var write = new Write(execute, () => documents = publish(documents!));
        queue!.Add(write);
        return write.Done;
    }

    private sealed class Write(Func<bool> execute, Action publish) : PendingWrite
    {
        private readonly TaskCompletionSource<bool> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool written;
        private DuplicateKeyException? duplicate;

        public Task<bool> Done => answer.Task;

        public override void Execute()
        {
            try
            {
                written = execute();
            }
            catch (DuplicateKeyException taken)
            {
                duplicate = taken;
            }
        }

        public override void Publish()
        {
            if (written)
            {
                publish();
            }
        }

        public override void Complete()
        {
            if (duplicate is null)
            {
                answer.SetResult(written);
            }
            else
            {
                answer.SetException(duplicate);
            }
        }

        public override void Fail(DocumentStoreException error) => answer.SetException(error);
    }
}
