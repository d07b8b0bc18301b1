using System.Linq.Expressions;
using System.Text.RegularExpressions;
using MongoDB.Bson;
using MongoDB.Bson.Serialization;
using MongoDB.Driver;
using MongoDB.Driver.Linq;
using NovaShim.Compute.Documents;

namespace NovaShim.MongoDb;

/// <summary>
/// A collection in MongoDB. Every write carries an id of its own (<c>_write</c>), so that it can be repeated after a lost answer: the repetition also meets the state that the first attempt left,
/// and confirms it with a majority.
/// </summary>
internal sealed partial class MongoCollection<T>(IMongoDatabase database, DocumentKind kind, MongoCalls calls, TimeProvider time) : IDocumentCollection<T>
    where T : Document
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;

    private readonly IMongoCollection<T> _documents = database.GetCollection<T>(kind.Collection);
    private readonly IMongoCollection<BsonDocument> _bodies = database.GetCollection<BsonDocument>(kind.Collection);

    public Task<T?> GetAsync(string key, CancellationToken cancellation) =>
        calls.RunAsync<T?>(async (_, c) => await _documents.Find(d => d.Key == key).FirstOrDefaultAsync(c), cancellation);

    public async Task<T> InsertAsync(T document, CancellationToken cancellation)
    {
        ArgumentException.ThrowIfNullOrEmpty(document.Key);
        var (body, mine) = Body(document with { Revision = 1, CreatedAt = Now(), UpdatedAt = null });
        await calls.RunAsync(async (again, c) =>
        {
            try
            {
                await _bodies.InsertOneAsync(body, null, c);
                return true;
            }
            catch (MongoWriteException taken) when (MongoCalls.IsDuplicateKey(taken))
            {
                if (again && (await _bodies.ReplaceOneAsync(mine, body, cancellationToken: c)).MatchedCount == 1)
                {
                    return true;
                }

                throw Duplicate(taken);
            }
        }, cancellation);
        return Read(body);
    }

    public async Task<T?> ReplaceAsync(T document, CancellationToken cancellation)
    {
        var (body, mine) = Body(document with { Revision = document.Revision + 1, UpdatedAt = Now() });
        var expected = Expected(document);
        try
        {
            var result = await calls.RunAsync((again, c) => _bodies.ReplaceOneAsync(again ? expected | mine : expected, body, cancellationToken: c), cancellation);
            return result.MatchedCount == 1 ? Read(body) : null;
        }
        catch (MongoWriteException taken)
        {
            throw Duplicate(taken);
        }
    }

    public Task<bool> DeleteAsync(T document, CancellationToken cancellation) =>
        calls.RunAsync(async (again, c) =>
        {
            var result = await _bodies.DeleteOneAsync(Expected(document), c);

            // After a lost answer, a document that is gone was deleted by the first attempt, or by somebody who wanted the same.
            return result.DeletedCount == 1 || (again && !await _bodies.Find(Filter.Eq(ElementNames.Key, document.Key)).AnyAsync(c));
        }, cancellation);

    public IQueryable<T> Query() => _documents.AsQueryable();

    public Task<IReadOnlyList<TResult>> ListAsync<TResult>(IQueryable<TResult> query, CancellationToken cancellation) =>
        calls.RunAsync<IReadOnlyList<TResult>>(async (_, c) => await query.ToListAsync(c), cancellation);

    public Task<long> CountAsync(Expression<Func<T, bool>> condition, CancellationToken cancellation) =>
        calls.RunAsync((_, c) => _documents.AsQueryable().LongCountAsync(condition, c), cancellation);

    private static FilterDefinition<BsonDocument> Expected(T document) => Filter.Eq(ElementNames.Key, document.Key) & Filter.Eq(ElementNames.Revision, document.Revision);

    /// <summary>The document as it is stored, and the filter that finds it if this very write has been applied.</summary>
    private static (BsonDocument Body, FilterDefinition<BsonDocument> Mine) Body(T document)
    {
        var write = Guid.NewGuid().ToString("N");
        var body = document.ToBsonDocument();
        body[ElementNames.Write] = write;
        return (body, Filter.Eq(ElementNames.Key, document.Key) & Filter.Eq(ElementNames.Write, write));
    }

    private static T Read(BsonDocument body) => BsonSerializer.Deserialize<T>(body);

    private static DuplicateKeyException Duplicate(MongoWriteException error)
    {
        var index = FailedIndex().Match(error.WriteError.Message).Groups["index"].Value;
        return new DuplicateKeyException(index is "" or "_id_" ? "key" : index, error);
    }

    private DateTime Now() => time.GetUtcNow().UtcDateTime;

    // MongoDB says "E11000 duplicate key error collection: db.collection index: name dup key: { … }"; versions before 3 put "db.collection.$" before the name.
    [GeneratedRegex(@"index: (?:\S*\$)?(?<index>\S+) dup key")]
    private static partial Regex FailedIndex();
}
