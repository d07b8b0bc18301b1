using Microsoft.Extensions.Logging.Abstractions;
using MongoDB.Driver;
using NovaShim.Compute.Documents;
using NovaShim.Contracts.Tests.Servers;
using NovaShim.MongoDb;

namespace NovaShim.Contracts.Tests.Documents;

/// <summary>The contract over MongoDB's wire protocol.</summary>
public sealed class MongoDocumentStoreTests(MongoServer server) : DocumentStoreContract, IClassFixture<MongoServer>
{
    private readonly MongoUrl url = server.UriOfNewDatabase();

    protected override async Task<IDocumentStore> OpenAsync(IReadOnlyList<DocumentKind> kinds)
    {
        var store = new MongoDocumentStore(url.ToString(), TimeProvider.System, NullLogger<MongoDocumentStore>.Instance, kinds: kinds);
        await store.InitializeAsync(None);
        return store;
    }

    protected override async Task CloseAsync(IDocumentStore opened)
    {
        using var client = new MongoClient(url);
        await client.DropDatabaseAsync(url.DatabaseName);
        ((MongoDocumentStore)opened).Dispose();
    }
}
