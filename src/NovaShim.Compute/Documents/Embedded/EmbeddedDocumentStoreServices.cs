using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace NovaShim.Compute.Documents.Embedded;

/// <summary>Registers the embedded document store.</summary>
public static class EmbeddedDocumentStoreServices
{
    /// <summary>The <see cref="IDocumentStore"/> of one process, in the SQLite file <paramref name="path"/> (made, with its folder, when it is not there).</summary>
    public static IServiceCollection AddEmbeddedDocumentStore(this IServiceCollection services, string path)
    {
        services.TryAddSingleton(TimeProvider.System);
        return services.AddSingleton<IDocumentStore>(p => new EmbeddedDocumentStore(path, p.GetRequiredService<TimeProvider>()));
    }
}
