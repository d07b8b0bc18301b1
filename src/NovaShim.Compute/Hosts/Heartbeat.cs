using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Hosts;

/// <summary>Does something at every heartbeat interval; a store that is away is no reason to stop.</summary>
internal static partial class Heartbeat
{
    public static async Task RunAsync(Func<CancellationToken, Task> beat, ComputeOptions options, TimeProvider time, ILogger log, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await beat(stopping);
            }
            catch (DocumentStoreException e)
            {
                LogMissed(log, e.Message);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromSeconds(options.HeartbeatSeconds), time, stopping).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A heartbeat could not be written: {Reason}")]
    private static partial void LogMissed(ILogger log, string reason);
}
