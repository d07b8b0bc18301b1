using NovaShim.Compute.Documents;
using NovaShim.Compute.Documents.Embedded;
using NovaShim.Contracts.Tests.Servers;

namespace NovaShim.Contracts.Tests.Documents;

/// <summary>The contract over the embedded store.</summary>
public sealed class EmbeddedDocumentStoreTests : DocumentStoreContract
{
    private readonly TemporaryFolder folder = new();

    protected override async Task<IDocumentStore> OpenAsync(IReadOnlyList<DocumentKind> kinds)
    {
        var store = new EmbeddedDocumentStore(folder.File("novashim.db"), TimeProvider.System, kinds);
        await store.InitializeAsync(None);
        return store;
    }

    protected override async Task CloseAsync(IDocumentStore opened)
    {
        await ((EmbeddedDocumentStore)opened).DisposeAsync();
        folder.Dispose();
    }
}
