namespace NovaShim.Compute.Messaging;

/// <summary>Answers a message that was called for, or returns null for a message that was cast.</summary>
public delegate Task<Message?> MessageHandler(Message message, CancellationToken cancellation);

/// <summary>
/// The message bus. Two implementations, one contract: in-process and NATS. It promises little on purpose: a cast is delivered at most once to whoever listens now; nothing
/// is kept for later, and order is not promised. A body that does not parse is counted, logged once with its id and dropped.
/// </summary>
public interface IMessageBus
{
    /// <summary>Sends without waiting for anybody. A bus that is away drops the message and logs that once per outage: it was only a hint.</summary>
    Task CastAsync(string subject, Message message, CancellationToken cancellation);

    /// <summary>Sends and waits for an answer. Throws <see cref="TimeoutException"/> when none came in time, also when nobody listens.</summary>
    Task<Message> CallAsync(string subject, Message message, TimeSpan timeout, CancellationToken cancellation);

    /// <summary>
    /// Listens until the result is disposed. Of the subscribers with the same <paramref name="queueGroup"/> one gets each message; without a group each gets it. Handlers run concurrently; what a
    /// handler throws is logged, and a caller gets no answer. Survives reconnects.
    /// </summary>
    Task<IAsyncDisposable> SubscribeAsync(string subject, string? queueGroup, MessageHandler handler, CancellationToken cancellation);
}
