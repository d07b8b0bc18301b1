using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;

namespace NovaShim.MongoDb;

/// <summary>Registers the document store over MongoDB.</summary>
public static class MongoDocumentStoreServices
{
    /// <summary>The <see cref="IDocumentStore"/> in the MongoDB that <paramref name="uri"/> (a connection string, with the database's name as its path) names.</summary>
    public static IServiceCollection AddMongoDocumentStore(this IServiceCollection services, string uri)
    {
        services.TryAddSingleton(TimeProvider.System);
        return services.AddSingleton<IDocumentStore>(
            p => new MongoDocumentStore(uri, p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ILogger<MongoDocumentStore>>()));
    }
}
