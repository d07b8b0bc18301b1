namespace NovaShim.Faults;

/// <summary>
/// Looks all the time at which host the server's VM runs: at no moment may that be both. Two hosts cannot be looked at in one moment, so one is looked at before and after the other: if it ran both
/// times and the other ran in between, both ran.
/// </summary>
internal sealed class RunningWatch : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    private readonly CancellationTokenSource _ended = new();
    private readonly Trial _trial;
    private readonly Task _watching;
    private string? _violation;
    private bool _disposed;

    public RunningWatch(Trial trial)
    {
        _trial = trial;
        _watching = WatchAsync();
    }

    /// <summary>Whether it has seen both run.</summary>
    public bool HasSeen => Volatile.Read(ref _violation) is not null;

    public async ValueTask DisposeAsync()
    {
        if (!_disposed)
        {
            _disposed = true;
            await _ended.CancelAsync();
            await _watching;
            _ended.Dispose();
            Assert.True(_violation is null, _violation);
        }
    }

    private async Task WatchAsync()
    {
        var (source, destination) = (_trial.HostOf(source: true), _trial.HostOf(source: false));
        while (!_ended.IsCancellationRequested && _violation is null)
        {
            try
            {
                if (await source.RunsAsync(_trial.Server) && await destination.RunsAsync(_trial.Server) && await source.RunsAsync(_trial.Server))
                {
                    _violation = $"two VMs of server {_trial.Server} run at the same time";
                }
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException or InvalidOperationException)
            {
                // The host does not answer: that is what goes wrong just now.
            }

            await Task.Delay(Pause, _ended.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }
}
