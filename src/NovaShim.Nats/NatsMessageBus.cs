using System.Text.Json;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;
using NovaShim.Compute.Messaging;

namespace NovaShim.Nats;

/// <summary>
/// The bus that several processes share. One connection, which reconnects for ever; while it is away, casts are dropped and calls wait for it until their deadline. Subscriptions are renewed
/// by the client when it is back.
/// </summary>
internal sealed partial class NatsMessageBus : IMessageBus, IAsyncDisposable
{
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(5);

    private readonly NatsConnection _connection;
    private readonly Task _connecting;
    private readonly long _start;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private int _away;

    /// <param name="url">The server, or several separated by commas, as <c>nats://host:port</c>; user and password or a token may be in it.</param>
    /// <param name="time">Measures deadlines.</param>
    /// <param name="log">Where outages and failed handlers are told.</param>
    public NatsMessageBus(string url, TimeProvider time, ILogger<NatsMessageBus> log)
    {
        _time = time;
        _log = log;
        _connection = new NatsConnection(new NatsOpts
        {
            Url = url,
            Name = "novashim",
            RetryOnInitialConnect = true,
            MaxReconnectRetry = -1,
            IgnoreAuthErrorAbort = true,
            ReconnectWaitMin = TimeSpan.FromMilliseconds(200),
            ReconnectWaitMax = TimeSpan.FromSeconds(2),
            PublishTimeoutOnDisconnected = true,
        });
        _connection.ConnectionDisconnected += (_, e) => Note(() => Away(e.Message ?? "disconnected"));
        _connection.ReconnectFailed += (_, e) => Note(() => Away(e.Message ?? "no connection"));
        _connection.ConnectionOpened += (_, _) => Note(Back);
        _start = time.GetTimestamp();
        _connecting = _connection.ConnectAsync().AsTask();
        _ = TellIfUnreachedAsync(url);
    }

    public async Task CastAsync(string subject, Message message, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var body = MessageBody.Write(message);
        if (!await IsOpenAsync(cancellation))
        {
            Away("not connected");
            return;
        }

        try
        {
            await _connection.PublishAsync(subject, body, cancellationToken: cancellation);
        }
        catch (NatsException error)
        {
            Away(error.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            Away("the connection was lost while sending");
        }
    }

    public async Task<Message> CallAsync(string subject, Message message, TimeSpan timeout, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var deadline = new CancellationTokenSource(timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            await _connecting.WaitAsync(either.Token);
            var reply = await _connection.RequestAsync<byte[], byte[]>(
                subject, MessageBody.Write(message), replyOpts: new NatsSubOpts { Timeout = timeout, ThrowIfNoResponders = true }, cancellationToken: either.Token);
            return MessageBody.Read(reply.Data);
        }
        catch (NatsNoRespondersException error)
        {
            throw new TimeoutException($"Nobody listens on {subject}.", error);
        }
        catch (JsonException error)
        {
            MessageDrops.Count();
            throw new TimeoutException($"The answer to {message.Method} on {subject} does not parse.", error);
        }
        catch (Exception error) when (error is NatsException || (error is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new TimeoutException($"No answer to {message.Method} came on {subject} within {timeout.TotalSeconds:0.###} s.", error);
        }
    }

    public async Task<IAsyncDisposable> SubscribeAsync(string subject, string? queueGroup, MessageHandler handler, CancellationToken cancellation)
    {
        var subscription = new NatsSubscription(_connection, subject, queueGroup, handler, _time, _log);
        try
        {
            // When the server is there, it has the subscription before this returns; when not, it gets it as soon as it is back.
            await subscription.Registered.WaitAsync(ConnectPatience, _time, cancellation);
        }
        catch (TimeoutException)
        {
            Away("not connected");
        }
        catch
        {
            await subscription.DisposeAsync();
            throw;
        }

        return subscription;
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    // A url that names nothing is no outage that would be told of by itself: there never was a connection to lose.
    private async Task TellIfUnreachedAsync(string url)
    {
        try
        {
            await _connecting.WaitAsync(ConnectPatience, _time);
        }
        catch (TimeoutException)
        {
            Away("nobody answers at " + AddressesOf(url));
        }
        catch (Exception error) when (error is NatsException or OperationCanceledException or ObjectDisposedException)
        {
            // Disposed of before it was ever connected.
        }
    }

    /// <summary>The servers of a url, without the user, password or token that may be in it.</summary>
    internal static string AddressesOf(string url) => string.Join(
        ", ", url.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(one => one[(one.LastIndexOf('@') + 1)..].Replace("nats://", "", StringComparison.OrdinalIgnoreCase)));

    private async Task<bool> IsOpenAsync(CancellationToken cancellation)
    {
        // Shortly after the start a message may wait for the first connection; later the bus was there and is away.
        var patience = ConnectPatience - _time.GetElapsedTime(_start);
        if (!_connecting.IsCompleted && patience > TimeSpan.Zero)
        {
            try
            {
                await _connecting.WaitAsync(patience, _time, cancellation);
            }
            catch (TimeoutException)
            {
                return false;
            }
        }

        return _connection.ConnectionState == NatsConnectionState.Open;
    }

    private static ValueTask Note(Action note)
    {
        note();
        return ValueTask.CompletedTask;
    }

    private void Away(string reason)
    {
        if (Interlocked.Exchange(ref _away, 1) == 0)
        {
            LogAway(reason);
        }
    }

    private void Back()
    {
        if (Interlocked.Exchange(ref _away, 0) == 1)
        {
            LogBack();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The message bus is away ({Reason}); messages are dropped until it is back, and work is found by looking.")]
    private partial void LogAway(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The message bus is back.")]
    private partial void LogBack();
}
