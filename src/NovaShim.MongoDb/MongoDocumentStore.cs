using System.Collections.Frozen;
using System.Reflection;
using Microsoft.Extensions.Logging;
using MongoDB.Bson;
using MongoDB.Driver;
using NovaShim.Compute.Documents;

namespace NovaShim.MongoDb;

/// <summary>The document store that several processes share: MongoDB 4.4 or later, best a replica set. Writes are acknowledged by a majority, journaled.</summary>
internal sealed partial class MongoDocumentStore : IDocumentStore, IDisposable
{
    private const string DefaultDatabase = "novashim";

    private static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan WaitBetweenAttempts = TimeSpan.FromSeconds(1);

    private readonly MongoClient _client;
    private readonly IMongoDatabase _database;
    private readonly IReadOnlyList<DocumentKind> _kinds;
    private readonly FrozenDictionary<Type, object> _collections;
    private readonly MongoCalls _calls;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    /// <param name="uri">MongoDB's connection string; the database it names, or <c>novashim</c>, is used.</param>
    /// <param name="time">Gives the documents their moments and bounds calls.</param>
    /// <param name="log">Where outages are told.</param>
    /// <param name="limit">How long a call may take with its repetitions; 30 seconds when null.</param>
    /// <param name="kinds">The collections; those of <see cref="DocumentCatalog"/> when null.</param>
    public MongoDocumentStore(string uri, TimeProvider time, ILogger<MongoDocumentStore> log, TimeSpan? limit = null, IReadOnlyList<DocumentKind>? kinds = null)
    {
        var url = MongoUrl.Create(uri);
        var settings = MongoClientSettings.FromUrl(url);
        settings.ApplicationName ??= "novashim";
        var bound = limit ?? DefaultLimit;
        settings.ServerSelectionTimeout = settings.ServerSelectionTimeout < bound / 6 ? settings.ServerSelectionTimeout : bound / 6;
        settings.ConnectTimeout = settings.ConnectTimeout < bound / 6 ? settings.ConnectTimeout : bound / 6;
        _kinds = kinds ?? DocumentCatalog.Kinds;
        foreach (var kind in _kinds)
        {
            DocumentClassMaps.Register(kind.Type);
        }

        _client = new MongoClient(settings);
        _database = _client.GetDatabase(url.DatabaseName ?? DefaultDatabase).WithWriteConcern(WriteConcern.WMajority.With(journal: true));
        _time = time;
        _log = log;
        _calls = new MongoCalls(time, bound, log);
        _collections = _kinds.ToFrozenDictionary(
            kind => kind.Type, kind => Activator.CreateInstance(typeof(MongoCollection<>).MakeGenericType(kind.Type), _database, kind, _calls, time)!);
    }

    public IDocumentCollection<T> Collection<T>()
        where T : Document => (IDocumentCollection<T>)_collections[typeof(T)];

    public async Task InitializeAsync(CancellationToken cancellation)
    {
        var waiting = false;
        while (true)
        {
            try
            {
                await PingAsync(cancellation);
                break;
            }
            catch (MongoAwayException error)
            {
                if (!waiting)
                {
                    LogWaiting(error.Message);
                }

                waiting = true;
                await Task.Delay(WaitBetweenAttempts, _time, cancellation);
            }
        }

        foreach (var kind in _kinds.Where(k => k.Indexes.Count > 0))
        {
            await _calls.RunAsync((_, c) => CreateIndexesAsync(kind, c), cancellation);
        }
    }

    public Task PingAsync(CancellationToken cancellation) =>
        _calls.RunAsync((_, c) => _database.RunCommandAsync<BsonDocument>(new BsonDocument("ping", 1), ReadPreference.Primary, c), cancellation);

    public void Dispose() => _client.Dispose();

    private Task<IEnumerable<string>> CreateIndexesAsync(DocumentKind kind, CancellationToken cancellation) =>
        _database.GetCollection<BsonDocument>(kind.Collection).Indexes.CreateManyAsync(kind.Indexes.Select(index => Model(kind.Type, index)), cancellation);

    private static CreateIndexModel<BsonDocument> Model(Type type, DocumentIndex index)
    {
        var keys = new BsonDocument(index.Properties.Select(path => new BsonElement(ElementNames.OfPath(path), 1)));
        var options = new CreateIndexOptions<BsonDocument> { Name = index.Name, Unique = index.Unique };
        if (index.Unique && NullableTypeOf(type, index.Properties[0]) is { } bsonType)
        {
            options.PartialFilterExpression = new BsonDocument(ElementNames.OfPath(index.Properties[0]), new BsonDocument("$type", bsonType));
        }

        return new CreateIndexModel<BsonDocument>(keys, options);
    }

    /// <summary>The BSON type of a property that may be null, or sits in a record that may be; null for one that is always there.</summary>
    private static string? NullableTypeOf(Type type, string path)
    {
        var nullable = false;
        foreach (var name in path.Split('.'))
        {
            var property = type.GetProperty(name)!;
            nullable |= new NullabilityInfoContext().Create(property).ReadState == NullabilityState.Nullable;
            type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        }

        return !nullable ? null : type == typeof(string) ? "string" : type == typeof(DateTime) ? "date" : type == typeof(bool) ? "bool" : "number";
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Waiting for MongoDB: {Reason}")]
    private partial void LogWaiting(string reason);
}
