using System.Collections.Frozen;

namespace NovaShim.Compute.Documents.Embedded;

/// <summary>The document store of one process: documents in memory, each write durable in one SQLite file before it is acknowledged.</summary>
internal sealed class EmbeddedDocumentStore : IDocumentStore, IAsyncDisposable
{
    private readonly string path;
    private readonly IReadOnlyList<DocumentKind> kinds;
    private readonly FrozenDictionary<Type, IEmbeddedCollection> collections;
    private readonly SemaphoreSlim opening = new(1, 1);
    private DocumentFile? file;
    private CommitQueue? commits;

    /// <param name="path">The SQLite file; made, with its folder, when it is not there.</param>
    /// <param name="time">Gives the documents their moments.</param>
    /// <param name="kinds">The collections; those of <see cref="DocumentCatalog"/> when null.</param>
    public EmbeddedDocumentStore(string path, TimeProvider time, IReadOnlyList<DocumentKind>? kinds = null)
    {
        this.path = path;
        this.kinds = kinds ?? DocumentCatalog.Kinds;
        collections = this.kinds.ToFrozenDictionary(
            kind => kind.Type, kind => (IEmbeddedCollection)Activator.CreateInstance(typeof(EmbeddedCollection<>).MakeGenericType(kind.Type), kind, time)!);
    }

    public IDocumentCollection<T> Collection<T>()
        where T : Document => (IDocumentCollection<T>)collections[typeof(T)];

    public async Task InitializeAsync(CancellationToken cancellation)
    {
        await opening.WaitAsync(cancellation);
        try
        {
            if (file is null)
            {
                await Task.Run(OpenAsync, cancellation);
            }
        }
        finally
        {
            opening.Release();
        }
    }

    public Task PingAsync(CancellationToken cancellation) =>
        file is null ? Task.FromException(new DocumentStoreException("The document store is not open.")) : Task.CompletedTask;

    /// <summary>Commits what is under way and gives the file back.</summary>
    public async ValueTask DisposeAsync()
    {
        if (commits is not null)
        {
            await commits.DisposeAsync();
        }

        foreach (var collection in collections.Values)
        {
            collection.Dispose();
        }

        file?.Dispose();
        file = null;
        opening.Dispose();
    }

    private async Task OpenAsync()
    {
        var opened = DocumentFile.Open(path);
        var queue = new CommitQueue(opened.Connection);
        try
        {
            foreach (var kind in kinds)
            {
                collections[kind.Type].Open(opened, queue);
            }
        }
        catch
        {
            await queue.DisposeAsync();
            opened.Dispose();
            throw;
        }

        commits = queue;
        file = opened;
    }
}
