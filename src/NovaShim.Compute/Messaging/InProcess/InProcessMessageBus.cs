using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace NovaShim.Compute.Messaging.InProcess;

/// <summary>
/// The bus within one process. Each delivery is a task of its own, so that a slow handler holds up nobody. A message travels as the bytes it would be on a wire: sender and receivers share no object.
/// </summary>
internal sealed partial class InProcessMessageBus(TimeProvider time, ILogger<InProcessMessageBus> log) : IMessageBus
{
    private readonly ConcurrentDictionary<string, ImmutableArray<InProcessSubscription>> subscriptions = new(StringComparer.Ordinal);

    public Task CastAsync(string subject, Message message, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var body = MessageBody.Write(message);
        foreach (var receiver in Receivers(subject))
        {
            _ = Task.Run(() => HandleAsync(subject, receiver, body), CancellationToken.None);
        }

        return Task.CompletedTask;
    }

    public async Task<Message> CallAsync(string subject, Message message, TimeSpan timeout, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var body = MessageBody.Write(message);
        var receivers = Receivers(subject);
        if (receivers.Count == 0)
        {
            throw new TimeoutException($"Nobody listens on {subject}.");
        }

        var answered = new TaskCompletionSource<Message>(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (var receiver in receivers)
        {
            _ = Task.Run(async () =>
            {
                if (await HandleAsync(subject, receiver, body) is { } answer)
                {
                    answered.TrySetResult(MessageBody.Read(MessageBody.Write(answer)));
                }
            }, CancellationToken.None);
        }

        try
        {
            return await answered.Task.WaitAsync(timeout, time, cancellation);
        }
        catch (TimeoutException error)
        {
            throw new TimeoutException($"No answer to {message.Method} came on {subject} within {timeout.TotalSeconds:0.###} s.", error);
        }
    }

    public Task<IAsyncDisposable> SubscribeAsync(string subject, string? queueGroup, MessageHandler handler, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var subscription = new InProcessSubscription(queueGroup, handler, s => Change(subject, present => present.Remove(s)));
        Change(subject, present => present.Add(subscription));
        return Task.FromResult<IAsyncDisposable>(subscription);
    }

    /// <summary>Everybody without a group, and one of each group.</summary>
    private List<InProcessSubscription> Receivers(string subject) =>
        subscriptions.GetValueOrDefault(subject, [])
            .GroupBy(s => s.QueueGroup)
            .SelectMany(group => group.Key is null ? group.AsEnumerable() : [group.ElementAt(Random.Shared.Next(group.Count()))])
            .ToList();

    private void Change(string subject, Func<ImmutableArray<InProcessSubscription>, ImmutableArray<InProcessSubscription>> change) =>
        subscriptions.AddOrUpdate(subject, _ => change([]), (_, present) => change(present));

    private async Task<Message?> HandleAsync(string subject, InProcessSubscription receiver, byte[] body)
    {
        if (receiver.Ended.IsCancellationRequested)
        {
            return null;
        }

        var message = MessageBody.Read(body);
        try
        {
            return await receiver.Handler(message, receiver.Ended);
        }
        catch (OperationCanceledException) when (receiver.Ended.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception error)
        {
            LogHandlerFailed(error, message.Method, message.MessageId, subject);
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The handler of {Method} (message {MessageId} on {Subject}) failed.")]
    private partial void LogHandlerFailed(Exception error, string method, string messageId, string subject);
}
