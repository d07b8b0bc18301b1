using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;

namespace NovaShim.Compute.Scheduling;

/// <summary>The scheduler: does the due work that any scheduler may do, and tends what silent hosts leave lying. Any number of them may run.</summary>
internal sealed class SchedulerService(
    IDocumentStore store, MigrationRunner migrations, InstanceRunner instances, StalledMigrations stalledMigrations, StalledServers stalledServers, OrphanSnapshots orphanSnapshots, SilentHosts silentHosts, ServiceGroup services, HintListener hints,
    ProcessIdentity process, ComputeOptions options, TimeProvider time, ILogger<SchedulerService> log)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var migrationLoop = new WorkLoop<MigrationDocument>(
            store.Collection<MigrationDocument>(), WorkKinds.Migrations, Actors.Scheduler, work => migrations.RunAsync(work, host: null, manager: null), migrations.StopWanted, process, options, time, log);
        var instanceLoop = new WorkLoop<InstanceDocument>(
            store.Collection<InstanceDocument>(), WorkKinds.Instances, Actors.Scheduler, work => instances.RunAsync(work, host: null, manager: null), _ => false, process, options, time, log);
        await using var listening = await hints.ListenAsync(Subjects.Scheduler, Subjects.Scheduler, () => { migrationLoop.Wake(); instanceLoop.Wake(); }, stoppingToken);
        await Task.WhenAll(
            migrationLoop.RunAsync(stoppingToken),
            instanceLoop.RunAsync(stoppingToken),
            Heartbeat.RunAsync(token => services.BeatAsync(Environment.MachineName, ServiceGroup.SchedulerBinary, "scheduler", token), options, time, log, stoppingToken),
            Heartbeat.RunAsync(TendAsync, options, time, log, stoppingToken),

            // On its own: images may be kept by what does not answer.
            Heartbeat.RunAsync(orphanSnapshots.SweepAsync, options, time, log, stoppingToken));
    }

    private async Task TendAsync(CancellationToken cancellation)
    {
        if (await silentHosts.ListenAsync(cancellation) is { } silence)
        {
            await stalledMigrations.TendAsync(silence, cancellation);
            await stalledServers.TendAsync(silence, cancellation);
        }
    }
}
