using NovaShim.Compute.Documents;
using NovaShim.Compute.Flavors;
using NovaShim.Compute.Images;

namespace NovaShim;

/// <summary>What comes before everything else at a start: the store is opened, and holds the flavors and images of the configuration.</summary>
internal sealed partial class Preparation(IConfigurationRoot settings, string data, IDocumentStore store, ILogger<Preparation> log) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        PrivateFiles.CreateFolder(data);
        LogData(data);
        await store.InitializeAsync(cancellationToken);
        await FlavorSeeds.PlantAsync(store, settings, cancellationToken);
        await ImageSeeds.PlantAsync(store, settings, cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Information, Message = "Data is in {Folder}.")]
    private partial void LogData(string folder);
}
