using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;
using NovaShim.Sdk;

namespace NovaShim.Compute.Servers;

/// <summary>
/// Keeps what is shown of a host's servers true while nothing is done to them: the power state as the hypervisor has it (Nova's <c>_sync_power_states</c>), and the addresses as the guest reports them, which it often does only after its build
/// has ended (Nova's <c>_heal_instance_info_cache</c>). As in Nova of 2011, the status stays what the user has made it: a server that shuts itself down is ACTIVE, with the power state of one that is off.
/// </summary>
internal sealed partial class InstanceSync(IDocumentStore store, ComputeOptions options, TimeProvider time, ILogger<InstanceSync> log)
{
    /// <summary>Looks at all servers of a host at every interval, until it is told to stop.</summary>
    public async Task RunAsync(string host, ComputeManager manager, CancellationToken stopping)
    {
        if (options.SyncPowerStateSeconds <= 0)
        {
            return;
        }

        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.SyncPowerStateSeconds), time);
        while (await timer.WaitForNextTickAsync(stopping))
        {
            try
            {
                await LookAsync(host, manager, stopping);
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                // Neither a store nor a hypervisor that is away is a reason to stop; the next look finds what this one missed.
                LogMissed(host, e.Message);
            }
        }
    }

    /// <summary>Looks once.</summary>
    public async Task LookAsync(string host, ComputeManager manager, CancellationToken cancellation)
    {
        var instances = store.Collection<InstanceDocument>();
        var idle = (await instances.WhereAsync(i => i.Host == host && !i.Deleted && i.TaskState == null, cancellation)).Where(i => i.Work is null).ToList();
        if (idle.Count == 0)
        {
            return;
        }

        var infos = await manager.GetInfosAsync([.. idle.Select(InstanceRecord.Of)], cancellation);
        foreach (var seen in idle)
        {
            var info = infos.GetValueOrDefault(seen.Uuid);

            // A guest that is off reports no addresses, and has them still.
            var now = seen with { PowerState = info?.PowerState ?? PowerState.NoState, Addresses = info is { Addresses.Count: > 0 } ? info.Addresses : seen.Addresses };
            if (now.PowerState == seen.PowerState && now.Addresses.SequenceEqual(seen.Addresses))
            {
                continue;
            }

            // Only if nobody has written it meanwhile: what was seen may be from before an action that has ended since.
            if (await instances.ReplaceAsync(now, cancellation) is not null && now.PowerState != seen.PowerState)
            {
                LogPower(seen.Uuid, host, now.PowerState, seen.PowerState);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Server {Uuid} on {Host} is {Now}, and was {Before} as far as was known.")]
    private partial void LogPower(string uuid, string host, PowerState now, PowerState before);

    [LoggerMessage(Level = LogLevel.Warning, Message = "How the servers on {Host} are could not be seen: {Reason}")]
    private partial void LogMissed(string host, string reason);
}
