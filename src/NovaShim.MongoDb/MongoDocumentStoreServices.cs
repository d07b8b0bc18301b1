using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using MongoDB.Driver;
using NovaShim.Compute.Documents;

namespace NovaShim.MongoDb;

/// <summary>Registers the document store over MongoDB.</summary>
public static class MongoDocumentStoreServices
{
    /// <summary>The <see cref="IDocumentStore"/> in the MongoDB that <paramref name="uri"/> (a connection string, with the database's name as its path) names. Throws <see cref="FormatException"/> when it is none.</summary>
    public static IServiceCollection AddMongoDocumentStore(this IServiceCollection services, string uri)
    {
        try
        {
            _ = MongoUrl.Create(uri);
        }
        catch (MongoConfigurationException e)
        {
            // The driver's own words repeat the string, which may hold a password.
            throw new FormatException("store:mongodb is no connection string of MongoDB, such as mongodb://127.0.0.1:27017/novashim.", e);
        }

        services.TryAddSingleton(TimeProvider.System);
        return services.AddSingleton<IDocumentStore>(
            p => new MongoDocumentStore(uri, p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ILogger<MongoDocumentStore>>()));
    }
}
