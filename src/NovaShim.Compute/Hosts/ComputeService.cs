using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Plugins;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Hosts;

/// <summary>
/// Drives one host (Nova's <c>nova-compute</c>): waits for the plugin with its driver and for the hypervisor, then does the host's due work, says that it is alive and keeps what it has to offer
/// and what its servers are like up to date. A host that cannot be driven is down, and nothing else suffers.
/// </summary>
internal sealed partial class ComputeService(
    ComputeHostOptions host, IComputeManagers plugins, IDocumentStore store, MigrationRunner migrations, InstanceRunner instances, InstanceSync sync, ServiceGroup services, ResourceTracker resources, HintListener hints, HostQuestions questions, ProcessIdentity process,
    ComputeOptions options, TimeProvider time, ILoggerFactory loggers)
    : BackgroundService
{
    private readonly ILogger _log = loggers.CreateLogger<ComputeService>();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await using var manager = await StartManagerAsync(stoppingToken);
            await BeatAsync(manager, stoppingToken);
            LogReady(host.Name, host.Driver);
            var migrationLoop = new WorkLoop<MigrationDocument>(
                store.Collection<MigrationDocument>(), WorkKinds.Migrations, host.Name, work => migrations.RunAsync(work, host.Name, manager), migrations.StopWanted, process, options, time, _log);
            var instanceLoop = new WorkLoop<InstanceDocument>(
                store.Collection<InstanceDocument>(), WorkKinds.Instances, host.Name, work => instances.RunAsync(work, host.Name, manager), _ => false, process, options, time, _log);
            await using var listening = await hints.ListenAsync(Subjects.Compute(host.Name), queueGroup: null, () => { migrationLoop.Wake(); instanceLoop.Wake(); }, stoppingToken);
            await using var answering = await questions.AnswerAsync(host.Name, manager, stoppingToken);
            await Task.WhenAll(
                migrationLoop.RunAsync(stoppingToken), instanceLoop.RunAsync(stoppingToken), sync.RunAsync(host.Name, manager, stoppingToken), Heartbeat.RunAsync(token => BeatAsync(manager, token), options, time, _log, stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopping before the host could be driven.
        }
    }

    private async Task<ComputeManager> StartManagerAsync(CancellationToken cancellation)
    {
        for (var failures = 0; ;)
        {
            var available = plugins.WaitForDriverAsync(host.Driver, cancellation);
            if (!available.IsCompleted)
            {
                LogNoPlugin(host.Name, host.Driver);
            }

            await available;
            ComputeManager? manager = null;
            try
            {
                manager = plugins.Create(host.Driver, new ComputeHost(host.Name, host.Settings, loggers, time));
                await manager.InitHostAsync(cancellation);
                return manager;
            }
            catch (Exception e) when (!cancellation.IsCancellationRequested)
            {
                await (manager?.DisposeAsync() ?? ValueTask.CompletedTask);
                LogNotReady(host.Name, ++failures, e.Message);
                await Task.Delay(options.RetryDelay(failures), time, cancellation);
            }
        }
    }

    // Heartbeat and offer in one: a host whose hypervisor does not answer is not offered for new work, though its due work is still tried.
    private async Task BeatAsync(ComputeManager manager, CancellationToken cancellation)
    {
        HostStats stats;
        try
        {
            stats = await manager.GetHostStatsAsync(cancellation);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            LogNoStats(host.Name, e.Message);
            return;
        }

        var nodes = store.Collection<ComputeNodeDocument>();
        var node = await nodes.GetAsync(host.Name, cancellation);
        if (node is null)
        {
            await nodes.InsertAsync(new ComputeNodeDocument { Key = host.Name, Id = await store.NextIdAsync<ComputeNodeDocument>(cancellation), Host = host.Name, Driver = host.Driver, Stats = stats }, cancellation);
        }
        else if (node.Stats != stats || node.Driver != host.Driver)
        {
            await nodes.UpdateAsync(host.Name, n => n with { Stats = stats, Driver = host.Driver }, cancellation);
        }

        await resources.DropOrphansAsync(host.Name, cancellation);
        await services.BeatAsync(host.Name, ServiceGroup.ComputeBinary, "compute", cancellation);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Host {Host} is driven by '{Driver}'.")]
    private partial void LogReady(string host, string driver);

    [LoggerMessage(Level = LogLevel.Information, Message = "Host {Host} waits for a plugin with the driver '{Driver}'.")]
    private partial void LogNoPlugin(string host, string driver);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Host {Host} cannot be driven yet (try {Attempt}): {Reason}")]
    private partial void LogNotReady(string host, int attempt, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Host {Host} does not say what it has to offer: {Reason}")]
    private partial void LogNoStats(string host, string reason);
}
