using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;

namespace NovaShim.Api.Identity;

/// <summary>Clears ended tokens out of the store once an hour.</summary>
internal sealed partial class ExpiredTokens(TokenAuthority tokens, TimeProvider time, ILogger<ExpiredTokens> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                var count = await tokens.SweepAsync(stoppingToken);
                LogSwept(count);
            }
            catch (DocumentStoreException away)
            {
                LogAway(away);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Count} ended tokens cleared away")]
    private partial void LogSwept(int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Ended tokens stay for another hour: the document store does not answer")]
    private partial void LogAway(Exception exception);
}
