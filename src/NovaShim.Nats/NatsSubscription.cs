using System.Text.Json;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;
using NovaShim.Compute.Messaging;

namespace NovaShim.Nats;

/// <summary>A subscriber. Each message is handled in a task of its own, so that a slow handler holds up nobody. Disposed, it gets nothing more and its running handlers are told to stop.</summary>
internal sealed partial class NatsSubscription : IAsyncDisposable
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(1);

    private readonly NatsConnection _connection;
    private readonly string _subject;
    private readonly string? _queueGroup;
    private readonly MessageHandler _handler;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource _registered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _loop;
    private int _disposed;

    public NatsSubscription(NatsConnection connection, string subject, string? queueGroup, MessageHandler handler, TimeProvider time, ILogger log)
    {
        _connection = connection;
        _subject = subject;
        _queueGroup = queueGroup;
        _handler = handler;
        _time = time;
        _log = log;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Completes when the server has the subscription.</summary>
    public Task Registered => _registered.Task;

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _ended.CancelAsync();
            await _loop;
        }
    }

    private async Task RunAsync()
    {
        while (!_ended.IsCancellationRequested)
        {
            try
            {
                await ListenAsync();
            }
            catch (OperationCanceledException) when (_ended.IsCancellationRequested)
            {
                return;
            }
            catch (ArgumentException error)
            {
                _registered.TrySetException(error);
                return;
            }
            catch (Exception error)
            {
                // Whatever it was, a host that no longer listens would be slow for ever; it listens again.
                LogListeningFailed(error, _subject);
                await Task.Delay(PauseAfterFailure, _time, _ended.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }
    }

    private async Task ListenAsync()
    {
        await using var subscription = await _connection.SubscribeCoreAsync<byte[]>(_subject, _queueGroup, cancellationToken: _ended.Token);
        if (!_registered.Task.IsCompleted)
        {
            // The answer to a ping comes after the server has read all that was sent before it.
            await _connection.PingAsync(_ended.Token);
            _registered.TrySetResult();
        }

        await foreach (var received in subscription.Msgs.ReadAllAsync(_ended.Token))
        {
            _ = Task.Run(() => HandleAsync(received), CancellationToken.None);
        }
    }

    private async Task HandleAsync(NatsMsg<byte[]> received)
    {
        Message message;
        try
        {
            message = MessageBody.Read(received.Data);
        }
        catch (JsonException error)
        {
            MessageDrops.Count();
            LogUnparsable(_subject, IdOf(received.Data), error.Message);
            return;
        }

        try
        {
            if (await _handler(message, _ended.Token) is { } answer && received.ReplyTo is not null)
            {
                await received.ReplyAsync(MessageBody.Write(answer));
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
        }
        catch (Exception error)
        {
            LogHandlerFailed(error, message.Method, message.MessageId, _subject);
        }
    }

    /// <summary>The id of a body that is no message, as far as it has one.</summary>
    private static string IdOf(byte[]? body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("message_id", out var id) && id.ValueKind == JsonValueKind.String ? id.GetString()! : "without an id";
        }
        catch (JsonException)
        {
            return "without an id";
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A message on {Subject} ({MessageId}) does not parse and is dropped: {Reason}")]
    private partial void LogUnparsable(string subject, string messageId, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The handler of {Method} (message {MessageId} on {Subject}) failed.")]
    private partial void LogHandlerFailed(Exception error, string method, string messageId, string subject);

    [LoggerMessage(Level = LogLevel.Error, Message = "Listening on {Subject} failed; trying again.")]
    private partial void LogListeningFailed(Exception error, string subject);
}
