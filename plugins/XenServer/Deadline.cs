namespace NovaShim.XenServer;

/// <summary>A token that fires when the caller's does or when the time is up, by the given clock.</summary>
internal sealed class Deadline : IDisposable
{
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _both;

    public Deadline(TimeSpan within, TimeProvider time, CancellationToken cancellation)
    {
        _timer = new CancellationTokenSource(within, time);
        _both = CancellationTokenSource.CreateLinkedTokenSource(_timer.Token, cancellation);
    }

    public CancellationToken Token => _both.Token;

    /// <summary>Whether the time is up.</summary>
    public bool IsOver => _timer.IsCancellationRequested;

    public void Dispose()
    {
        _both.Dispose();
        _timer.Dispose();
    }
}
