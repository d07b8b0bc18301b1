using System.Linq.Expressions;

namespace NovaShim.Compute.Documents;

/// <summary>The document store. Two implementations, one contract: the embedded store and MongoDB.</summary>
public interface IDocumentStore
{
    /// <summary>The collection of a document type; its name and indexes are in <see cref="DocumentCatalog"/>.</summary>
    IDocumentCollection<T> Collection<T>() where T : Document;

    /// <summary>Opens the store and creates what is missing of its collections and indexes. Idempotent; called once at start, and waits for a store that is not there yet.</summary>
    Task InitializeAsync(CancellationToken cancellation);

    /// <summary>Throws <see cref="DocumentStoreException"/> when the store does not answer now.</summary>
    Task PingAsync(CancellationToken cancellation);
}

/// <summary>
/// One collection. Every write is durable when its task completes. When the store is away the methods throw <see cref="DocumentStoreException"/> after a bounded time; a write that may or may not
/// have been applied is looked up by the store itself before it answers.
/// </summary>
public interface IDocumentCollection<T> where T : Document
{
    /// <summary>The document with this key, or null.</summary>
    Task<T?> GetAsync(string key, CancellationToken cancellation);

    /// <summary>Inserts a document and returns it as stored (revision 1). Throws <see cref="DuplicateKeyException"/> when its key or a unique index is taken.</summary>
    Task<T> InsertAsync(T document, CancellationToken cancellation);

    /// <summary>
    /// Compare-and-set: stores <paramref name="document"/> if the stored revision is still <c>document.Revision</c>, and returns it as stored (revision + 1);
    /// null when somebody else has written or deleted it since. Throws <see cref="DuplicateKeyException"/> when a unique index is taken.
    /// </summary>
    Task<T?> ReplaceAsync(T document, CancellationToken cancellation);

    /// <summary>Deletes the document if its stored revision is still <c>document.Revision</c>; false when not.</summary>
    Task<bool> DeleteAsync(T document, CancellationToken cancellation);

    /// <summary>The documents, to be filtered, ordered and paged where they are stored. Run it with <see cref="ListAsync{TResult}"/> or <see cref="CountAsync"/>, or hand it to OData.</summary>
    IQueryable<T> Query();

    /// <summary>Runs a query made from <see cref="Query"/>.</summary>
    Task<IReadOnlyList<TResult>> ListAsync<TResult>(IQueryable<TResult> query, CancellationToken cancellation);

    /// <summary>How many documents meet the condition.</summary>
    Task<long> CountAsync(Expression<Func<T, bool>> condition, CancellationToken cancellation);
}

/// <summary>The repeated patterns over a collection.</summary>
public static class DocumentCollectionExtensions
{
    /// <summary>
    /// Reads, changes and compare-and-sets until it succeeds or <paramref name="change"/> returns null (the change is no longer wanted). Returns the document as stored, or null when
    /// there is none or the change was not wanted. <paramref name="change"/> may run several times and must have no side effects.
    /// </summary>
    public static async Task<T?> UpdateAsync<T>(this IDocumentCollection<T> collection, string key, Func<T, T?> change, CancellationToken cancellation) where T : Document
    {
        while (await collection.GetAsync(key, cancellation) is { } current && change(current) is { } changed)
        {
            if (await collection.ReplaceAsync(changed, cancellation) is { } stored)
            {
                return stored;
            }
        }

        return null;
    }

    /// <summary>The documents that meet a condition, in no particular order.</summary>
    public static Task<IReadOnlyList<T>> WhereAsync<T>(this IDocumentCollection<T> collection, Expression<Func<T, bool>> condition, CancellationToken cancellation) where T : Document =>
        collection.ListAsync(collection.Query().Where(condition), cancellation);

    /// <summary>A document that meets a condition, or null.</summary>
    public static async Task<T?> FirstOrDefaultAsync<T>(this IDocumentCollection<T> collection, Expression<Func<T, bool>> condition, CancellationToken cancellation) where T : Document =>
        await collection.ListAsync(collection.Query().Where(condition).Take(1), cancellation) is [var first] ? first : null;
}
