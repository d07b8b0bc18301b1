using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images.External;

/// <summary>Removes copies of images that no server was built from for a time: at the start, and every ten minutes.</summary>
internal sealed partial class ImageCacheSweep(ImageCache cache, GlanceOptions options, TimeProvider time, ILogger<ImageCacheSweep> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                if (cache.Sweep(TimeSpan.FromHours(options.CacheHours)) is > 0 and var count)
                {
                    LogSwept(count);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                LogFailed(e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} copies of images removed that were not used for long.")]
    private partial void LogSwept(int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The folder of copies of images could not be cleared up; it is tried again.")]
    private partial void LogFailed(Exception exception);
}
