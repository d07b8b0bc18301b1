using System.Buffers.Binary;
using System.Diagnostics;
using MongoDB.Bson;
using MongoDB.Driver;
using NovaShim.Contracts.Tests.Servers;

namespace NovaShim.Contracts.Tests.Mongo;

/// <summary>The MongoDB-protocol double behaves as MongoDB documents it, as far as it claims to.</summary>
public sealed class DoubleTests(MongoServer server) : IClassFixture<MongoServer>, IAsyncLifetime
{
    private readonly string databaseName = $"double_{Guid.NewGuid():N}";
    private MongoClient client = null!;
    private IMongoDatabase database = null!;
    private IMongoCollection<BsonDocument> things = null!;

    public Task InitializeAsync()
    {
        client = new MongoClient(server.Uri);
        database = client.GetDatabase(databaseName);
        things = database.GetCollection<BsonDocument>("things");
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await client.DropDatabaseAsync(databaseName);
        client.Dispose();
    }

    [Fact]
    public async Task Every_type_comes_back_as_it_was_also_after_an_update()
    {
        var document = new BsonDocument
        {
            { "_id", new BsonBinaryData(Guid.NewGuid(), GuidRepresentation.Standard) },
            { "int32", 1 }, { "int64", 2L }, { "big", long.MaxValue }, { "double", 3.0 }, { "half", 0.5 }, { "decimal", Decimal128.Parse("1.10") },
            { "string", "é\U0001F600" }, { "true", true }, { "null", BsonNull.Value }, { "date", new BsonDateTime(1_234_567_890_123) },
            { "object_id", ObjectId.GenerateNewId() }, { "bytes", new byte[] { 1, 2, 3 } }, { "array", new BsonArray { 1, 2L, "x" } },
            { "document", new BsonDocument("a.b", new BsonDocument("c", 1)) }, { "regex", new BsonRegularExpression("^a", "i") },
            { "timestamp", new BsonTimestamp(5, 6) }, { "min", BsonMinKey.Value }, { "max", BsonMaxKey.Value },
        };
        await things.InsertOneAsync(document);
        Assert.Equal(document, await things.Find(new BsonDocument("_id", document["_id"])).SingleAsync());

        await things.UpdateOneAsync(new BsonDocument("_id", document["_id"]), new BsonDocument("$set", new BsonDocument("string", "changed")));
        document["string"] = "changed";
        Assert.Equal(document, await things.Find(new BsonDocument("_id", document["_id"])).SingleAsync());
    }

    [Fact]
    public async Task Filters_match_as_documented()
    {
        await things.InsertManyAsync(
        [
            BsonDocument.Parse("{_id: 1, a: 1, tags: ['x', 'y'], sub: {n: 5}, items: [{k: 1, v: 'a'}, {k: 2, v: 'b'}]}"),
            BsonDocument.Parse("{_id: 2, a: null, tags: [], name: 'Anna'}"),
            BsonDocument.Parse("{_id: 3, tags: 'x', name: 'anton', sub: {n: 7}}"),
            BsonDocument.Parse("{_id: 4, a: 2.5, name: 'b'}"),
            BsonDocument.Parse("{_id: 5, a: 'text'}"),
        ]);
        async Task Matches(string filter, params int[] ids) =>
            Assert.Equal(ids, (await things.Find(BsonDocument.Parse(filter)).ToListAsync()).Select(d => d["_id"].AsInt32).Order());

        await Matches("{a: 1}", 1);
        await Matches("{a: null}", 2, 3);
        await Matches("{a: {$exists: false}}", 3);
        await Matches("{a: {$gt: 0}}", 1, 4);
        await Matches("{a: {$gte: 1, $lt: 2.5}}", 1);
        await Matches("{a: {$ne: 1}}", 2, 3, 4, 5);
        await Matches("{a: {$not: {$gt: 1}}}", 1, 2, 3, 5);
        await Matches("{a: {$in: [1, 'text', null]}}", 1, 2, 3, 5);
        await Matches("{a: {$nin: [1, 'text', null]}}", 4);
        await Matches("{tags: 'x'}", 1, 3);
        await Matches("{tags: ['x', 'y']}", 1);
        await Matches("{tags: {$size: 0}}", 2);
        await Matches("{tags: {$all: ['y', 'x']}}", 1);
        await Matches("{'sub.n': {$gt: 5}}", 3);
        await Matches("{'items.v': 'b'}", 1);
        await Matches("{'items.0.v': 'a'}", 1);
        await Matches("{items: {$elemMatch: {k: 1, v: 'b'}}}");
        await Matches("{items: {$elemMatch: {k: 2, v: 'b'}}}", 1);
        await Matches("{name: /^an/}", 3);
        await Matches("{name: {$regex: '^an', $options: 'i'}}", 2, 3);
        await Matches("{$or: [{a: 1}, {name: 'b'}]}", 1, 4);
        await Matches("{$and: [{name: {$exists: true}}, {sub: {$exists: true}}]}", 3);
        await Matches("{$nor: [{a: 1}, {name: 'b'}]}", 2, 3, 5);
        await Matches("{a: {$type: 'double'}}", 4);
        await Matches("{_id: {$mod: [2, 0]}}", 2, 4);
        await Matches("{$expr: {$eq: ['$a', 2.5]}}", 4);
    }

    [Fact]
    public async Task Orders_by_type_first_and_strings_by_code_point()
    {
        BsonValue[] sorted = [BsonNull.Value, -1, 0.5, 7L, "", "B", "a", "é", "\uE000", "\U0001F600", new BsonDocument("a", 1), new BsonBinaryData([1]), ObjectId.GenerateNewId(), false, true, new BsonDateTime(0)];
        await things.InsertManyAsync(sorted.Select((value, i) => new BsonDocument { { "_id", i }, { "v", value } }).Reverse());
        var found = await things.Find(FilterDefinition<BsonDocument>.Empty).SortBy(d => d["v"]).ToListAsync();
        Assert.Equal(Enumerable.Range(0, sorted.Length), found.Select(d => d["_id"].AsInt32));
    }

    [Fact]
    public async Task Unique_indexes_hold_compound_sparse_and_partial()
    {
        CreateIndexModel<BsonDocument> Unique(string keys, CreateIndexOptions<BsonDocument>? options = null)
        {
            options ??= new CreateIndexOptions<BsonDocument>();
            options.Unique = true;
            return new CreateIndexModel<BsonDocument>(BsonDocument.Parse(keys), options);
        }

        await things.Indexes.CreateManyAsync(
        [
            Unique("{host: 1, binary: 1}"),
            Unique("{serial: 1}", new CreateIndexOptions<BsonDocument> { Sparse = true }),
            Unique("{slot: 1}", new CreateIndexOptions<BsonDocument> { PartialFilterExpression = BsonDocument.Parse("{slot: {$type: 'string'}}") }),
        ]);
        async Task Refused(string document) =>
            Assert.Equal(ServerErrorCategory.DuplicateKey, (await Assert.ThrowsAsync<MongoWriteException>(() => things.InsertOneAsync(BsonDocument.Parse(document)))).WriteError.Category);

        await things.InsertOneAsync(BsonDocument.Parse("{_id: 1, host: 'h', binary: 'a', serial: 1, slot: 's'}"));
        await Refused("{_id: 1, host: 'other'}");
        await Refused("{_id: 2, host: 'h', binary: 'a'}");
        await Refused("{_id: 2, host: 'h', binary: 'b', serial: {$numberLong: '1'}}");
        await Refused("{_id: 2, host: 'h', binary: 'b', slot: 's'}");
        await things.InsertOneAsync(BsonDocument.Parse("{_id: 2, host: 'h', binary: 'b', slot: 5}"));
        await things.InsertOneAsync(BsonDocument.Parse("{_id: 3, host: 'h', binary: 'c', slot: 5}"));

        var moved = await Assert.ThrowsAsync<MongoCommandException>(() => things.FindOneAndUpdateAsync(new BsonDocument("_id", 3), BsonDocument.Parse("{$set: {binary: 'b'}}")));
        Assert.Equal(11000, moved.Code);
        await things.DeleteOneAsync(new BsonDocument("_id", 2));
        await things.UpdateOneAsync(new BsonDocument("_id", 3), BsonDocument.Parse("{$set: {binary: 'b'}}"));
        Assert.Equal(4, (await (await things.Indexes.ListAsync()).ToListAsync()).Count);
    }

    [Fact]
    public async Task Compare_and_set_has_one_winner()
    {
        await things.InsertOneAsync(BsonDocument.Parse("{_id: 1, revision: 0}"));
        for (var round = 0; round < 20; round++)
        {
            var filter = new BsonDocument { { "_id", 1 }, { "revision", round } };
            var won = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => things.FindOneAndUpdateAsync(filter, BsonDocument.Parse("{$inc: {revision: 1}}"))));
            Assert.Single(won, d => d is not null);
        }
    }

    [Fact]
    public async Task Updates_do_what_their_operators_say()
    {
        await things.InsertOneAsync(BsonDocument.Parse("{_id: 1, n: 1, l: {$numberLong: '2'}, list: [1, 2, 3], old: 'x', sub: {a: 1}}"));
        await things.UpdateOneAsync(new BsonDocument("_id", 1), BsonDocument.Parse(
            "{$set: {'sub.b': 2}, $inc: {n: 2147483647, l: 1}, $push: {list: {$each: [4, 5], $slice: -4}}, $rename: {old: 'new'}, $min: {m: 3}, $unset: {'sub.a': ''}}"));
        var expected = BsonDocument.Parse("{_id: 1, n: {$numberLong: '2147483648'}, l: {$numberLong: '3'}, list: [2, 3, 4, 5], sub: {b: 2}, new: 'x', m: 3}");
        Assert.Equal(expected.ToDictionary(), (await things.Find(new BsonDocument("_id", 1)).SingleAsync()).ToDictionary());

        var upsert = await things.UpdateOneAsync(BsonDocument.Parse("{_id: 'new', kind: 'k'}"), BsonDocument.Parse("{$setOnInsert: {made: true}, $addToSet: {set: 1}}"), new UpdateOptions { IsUpsert = true });
        Assert.Equal("new", upsert.UpsertedId.AsString);
        Assert.Equal(BsonDocument.Parse("{_id: 'new', kind: 'k', made: true, set: [1]}"), await things.Find(new BsonDocument("_id", "new")).SingleAsync());
    }

    [Fact]
    public async Task What_it_does_not_know_is_refused_with_MongoDBs_codes()
    {
        await things.InsertOneAsync(BsonDocument.Parse("{_id: 1, s: 'x'}"));
        async Task Refused(int code, string command) =>
            Assert.Equal(code, (await Assert.ThrowsAnyAsync<MongoCommandException>(() => database.RunCommandAsync<BsonDocument>(BsonDocument.Parse(command)))).Code);

        await Refused(59, "{frobnicate: 1}");
        await Refused(2, "{find: 'things', filter: {a: {$near: 1}}}");
        await Refused(2, "{find: 'things', filter: {$maybe: []}}");
        await Refused(40415, "{find: 'things', filtre: {}}");
        await Refused(40324, "{aggregate: 'things', pipeline: [{$frobnicate: 1}], cursor: {}}");
        await Refused(73, "{find: '', filter: {}}");
        await Refused(26, "{listIndexes: 'nothing'}");
        await Refused(43, "{getMore: {$numberLong: '12345'}, collection: 'things'}");
        await Refused(20, "{insert: 'things', documents: [{}], txnNumber: {$numberLong: '1'}}");
        async Task RefusedUpdate(int code, string update) =>
            Assert.Equal(code, (await Assert.ThrowsAsync<MongoWriteException>(() => things.UpdateOneAsync(new BsonDocument("_id", 1), BsonDocument.Parse(update)))).WriteError.Code);
        await RefusedUpdate(9, "{$frobnicate: {a: 1}}");
        await RefusedUpdate(14, "{$inc: {s: 1}}");
        await RefusedUpdate(66, "{$set: {_id: 2}}");
        await RefusedUpdate(40, "{$set: {a: 1}, $inc: {'a.b': 1}}");
    }

    [Fact]
    public async Task Cursors_page_and_aggregations_compute()
    {
        await things.InsertManyAsync(Enumerable.Range(0, 1000).Select(i => new BsonDocument { { "_id", i }, { "group", i % 3 }, { "n", (long)i } }));
        var all = await things.Find(FilterDefinition<BsonDocument>.Empty, new FindOptions { BatchSize = 7 }).Sort("{_id: -1}").Skip(10).Limit(500).Project("{n: 1, _id: 0}").ToListAsync();
        Assert.Equal(Enumerable.Range(490, 500).Reverse().Select(i => new BsonDocument("n", (long)i)), all);

        var sums = await things.Aggregate().Match("{_id: {$lt: 9}}").Group("{_id: '$group', sum: {$sum: '$n'}, count: {$sum: 1}}").Sort("{_id: 1}").ToListAsync();
        Assert.Equal([9, 12, 15], sums.Select(d => d["sum"].ToInt32()));
        Assert.Equal(334, await things.CountDocumentsAsync("{group: 0}"));
        Assert.Equal([0, 1, 2], (await (await things.DistinctAsync<int>("group", "{}")).ToListAsync()).Order());
    }

    [Fact]
    public async Task A_malformed_frame_closes_its_connection_and_no_other()
    {
        if (!server.IsDouble)
        {
            return; // What a real server does with such frames is its own affair.
        }

        await things.InsertOneAsync(new BsonDocument("_id", 1));
        byte[][] malformed = [Frame(5, 2013, []), Frame(int.MaxValue, 2013, []), Frame(null, 4711, []), Frame(null, 2013, [0, 0, 0, 0, 7, 1]), Frame(null, 2013, [0, 0, 0, 0, 0, 200, 0, 0, 0])];
        foreach (var frame in malformed)
        {
            using var connection = await server.ConnectAsync();
            await connection.GetStream().WriteAsync(frame);
            Assert.Equal(0, await connection.GetStream().ReadAsync(new byte[1]));
        }

        Assert.Equal(1, await things.CountDocumentsAsync("{}"));
    }

    [Fact]
    public async Task The_drivers_monitor_does_not_flood_it()
    {
        var heartbeats = 0;
        var settings = MongoClientSettings.FromConnectionString(server.Uri);
        settings.ClusterConfigurator = c => c.Subscribe<MongoDB.Driver.Core.Events.ServerHeartbeatStartedEvent>(_ => Interlocked.Increment(ref heartbeats));
        using var watched = new MongoClient(settings);
        var watch = Stopwatch.StartNew();
        var collection = watched.GetDatabase(databaseName).GetCollection<BsonDocument>("things");
        while (watch.Elapsed < TimeSpan.FromSeconds(1))
        {
            await collection.CountDocumentsAsync("{}");
        }

        Assert.InRange(heartbeats, 1, 10);
    }

    private static byte[] Frame(int? length, int opCode, byte[] body)
    {
        var frame = new byte[16 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, length ?? frame.Length);
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(12), opCode);
        body.CopyTo(frame, 16);
        return frame;
    }
}
