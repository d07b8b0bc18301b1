using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Images;

/// <summary>Clears up after uploads that were cut off: at the start, and every ten minutes.</summary>
public sealed partial class ImageSweep(ImageStore images, TimeProvider time, ILogger<ImageSweep> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await images.ReleaseOwnAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                if (await images.SweepAsync(stoppingToken) is > 0 and var count)
                {
                    LogSwept(count);
                }
            }
            catch (Exception e) when (e is DocumentStoreException or IOException or UnauthorizedAccessException)
            {
                LogFailed(e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} files of uploads that were cut off removed.")]
    private partial void LogSwept(int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The folder of images could not be cleared up; it is tried again.")]
    private partial void LogFailed(Exception exception);
}
