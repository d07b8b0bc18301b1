using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NovaShim.Compute.Aggregates;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Images;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Notifications;
using NovaShim.Compute.Plugins;
using NovaShim.Compute.Quotas;
using NovaShim.Compute.Scheduling;
using NovaShim.Compute.ServerGroups;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;

namespace NovaShim.Compute;

/// <summary>Puts the control plane together. A store and a bus are registered beside it by whoever chooses them.</summary>
public static class ComputeServices
{
    /// <summary>What every role needs: the verbs of the API, the hints, the action log.</summary>
    public static IServiceCollection AddNovaCompute(this IServiceCollection services, ComputeOptions options, ProcessIdentity process, ImageStoreOptions? images = null) => services
        .AddSingleton(options)
        .AddSingleton(process)
        .AddSingleton(TimeProvider.System)
        .AddSingleton<WorkHints>()
        .AddSingleton<HintListener>()
        .AddSingleton<InstanceActions>()
        .AddSingleton<InstanceNotifications>()
        .AddSingleton<ServiceGroup>()
        .AddSingleton<ResourceTracker>()
        .AddSingleton<AggregateApi>()
        .AddSingleton<HostZones>()
        .AddSingleton<QuotaLedger>()
        .AddSingleton<HintedHosts>()
        .AddSingleton<FilterScheduler>()
        .AddSingleton(images ?? new ImageStoreOptions())
        .AddSingleton<ImageFiles>()
        .AddSingleton<ImageStore>()
        .AddSingleton<ImageCache>()
        .AddSingleton<IImageLibrary, OwnImages>()
        .AddSingleton<MigrationQueue>()
        .AddSingleton<ResizeMigration>()
        .AddSingleton<MigrationPlan>()
        .AddSingleton<MigrationRunner>()
        .AddSingleton<SnapshotSteps>()
        .AddSingleton<ActionSteps>()
        .AddSingleton<InstanceRunner>()
        .AddSingleton<InstanceSync>()
        .AddSingleton<HostQuestions>()
        .AddSingleton<OrphanSnapshots>()
        .AddSingleton<SnapshotApi>()
        .AddTransient<SilentHosts>()
        .AddSingleton<StalledMigrations>()
        .AddSingleton<StalledServers>()
        .AddSingleton(p => new OperatorApi(
            p.GetRequiredService<IDocumentStore>(), p.GetRequiredService<ResizeMigration>(), p.GetRequiredService<WorkHints>(), p.GetRequiredService<TimeProvider>()))
        .AddSingleton(p => new ComputeApi(
            p.GetRequiredService<IDocumentStore>(), p.GetRequiredService<MigrationPlan>(), p.GetRequiredService<WorkHints>(), p.GetRequiredService<InstanceActions>(), options, process, p.GetRequiredService<TimeProvider>()));

    /// <summary>The scheduler's role.</summary>
    public static IServiceCollection AddNovaScheduler(this IServiceCollection services) => services.AddHostedService<SchedulerService>();

    /// <summary>The compute role, for the given hosts. Compute managers come from the registered <see cref="IComputeManagers"/>.</summary>
    public static IServiceCollection AddNovaHosts(this IServiceCollection services, IEnumerable<ComputeHostOptions> hosts)
    {
        foreach (var host in hosts)
        {
            services.AddSingleton<IHostedService>(p => ActivatorUtilities.CreateInstance<ComputeService>(p, host));
        }

        return services;
    }
}
