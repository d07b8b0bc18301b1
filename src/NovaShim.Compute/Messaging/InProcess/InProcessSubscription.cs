namespace NovaShim.Compute.Messaging.InProcess;

/// <summary>A subscriber. Disposed, it gets nothing more and its running handlers are told to stop; they are not waited for, as one of them may be who disposes it.</summary>
internal sealed class InProcessSubscription(string? queueGroup, MessageHandler handler, Action<InProcessSubscription> remove) : IAsyncDisposable
{
    private readonly CancellationTokenSource ended = new();
    private int disposed;

    public string? QueueGroup => queueGroup;

    public MessageHandler Handler => handler;

    public CancellationToken Ended => ended.Token;

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 0)
        {
            remove(this);
            await ended.CancelAsync();
        }
    }
}
