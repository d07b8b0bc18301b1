using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using NATS.Client.Core;
using NovaShim.Compute.Messaging;
using NovaShim.Contracts.Tests.Servers;
using NovaShim.Nats;

namespace NovaShim.Contracts.Tests.Messaging;

/// <summary>What only a bus with a server between can meet: outages, and bodies from strangers.</summary>
public sealed class NatsOutageTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly NatsServer server = new();
    private readonly FakeLogCollector logs = new();

    public Task InitializeAsync() => server.InitializeAsync();

    public Task DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task Subscriptions_survive_a_server_that_is_killed_and_started_again_and_casts_meanwhile_are_dropped()
    {
        await using var bus = NewBus();
        var received = 0;
        await using var subscription = await bus.SubscribeAsync("s", null, (m, _) => Task.FromResult<Message?>(Interlocked.Increment(ref received) > 0 ? m : null), None);
        await bus.CallAsync("s", Some("before"), Eventually.Deadline, None);

        await server.KillAsync();
        await Eventually.TrueAsync(() => logs.GetSnapshot().Any(l => l.Level == LogLevel.Warning));
        for (var i = 0; i < 3; i++)
        {
            await bus.CastAsync("s", Some("lost"), None);
        }

        await Assert.ThrowsAsync<TimeoutException>(() => bus.CallAsync("s", Some("lost"), TimeSpan.FromMilliseconds(300), None));
        Assert.Single(logs.GetSnapshot(), l => l.Level == LogLevel.Warning);

        await server.StartAsync();
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                return (await bus.CallAsync("s", Some("after"), TimeSpan.FromSeconds(1), None)).MessageId == "after";
            }
            catch (TimeoutException)
            {
                return false;
            }
        });
        Assert.Single(logs.GetSnapshot(), l => l.Level == LogLevel.Information);
    }

    [Fact]
    public async Task A_bus_may_be_used_before_its_server_is_there()
    {
        await server.KillAsync();
        await using var bus = NewBus();
        await bus.CastAsync("s", Some("lost"), None);
        var answered = 0;
        await using var subscription = await bus.SubscribeAsync("s", null, (_, _) => Task.FromResult<Message?>(Interlocked.Increment(ref answered) > 0 ? null : null), None);
        await server.StartAsync();
        await Eventually.TrueAsync(async () =>
        {
            await bus.CastAsync("s", Some("found"), None);
            return answered > 0;
        });
    }

    [Fact]
    public async Task A_url_that_names_nothing_is_told_of_though_nobody_sends_or_listens_and_without_its_secrets()
    {
        await server.KillAsync();
        await using var bus = new NatsMessageBus(server.Url.Replace("nats://", "nats://user:secret@", StringComparison.Ordinal), TimeProvider.System, new FakeLogger<NatsMessageBus>(logs));
        await Eventually.TrueAsync(() => logs.GetSnapshot().Any(l => l.Level == LogLevel.Warning));
        var told = Assert.Single(logs.GetSnapshot(), l => l.Level == LogLevel.Warning);
        Assert.DoesNotContain("secret", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_does_not_parse_is_counted_logged_once_and_dropped()
    {
        await using var bus = NewBus();
        using var dropped = new MetricCollector<long>(meterScope: null, MessageDrops.MeterName, MessageDrops.CounterName);
        var received = new TaskCompletionSource<string>();
        await using var subscription = await bus.SubscribeAsync("s", null, (m, _) =>
        {
            received.TrySetResult(m.MessageId);
            return Task.FromResult<Message?>(null);
        }, None);

        await using var stranger = new NatsConnection(new NatsOpts { Url = server.Url });
        string[] bodies = ["", "no json", "[]", "null", """{"method": "x"}""", """{"method": null, "context": {"request_id": "r"}, "message_id": "bad-id"}""", "{\"method\": \"\xff"];
        foreach (var body in bodies)
        {
            await stranger.PublishAsync("s", body);
        }

        await stranger.PingAsync();
        await bus.CastAsync("s", Some("good"), None);
        Assert.Equal("good", await received.Task.WaitAsync(Eventually.Deadline));
        await Eventually.TrueAsync(() => dropped.GetMeasurementSnapshot().Count == bodies.Length);
        Assert.Equal(bodies.Length, logs.GetSnapshot().Count(l => l.Level == LogLevel.Warning));
        Assert.Contains(logs.GetSnapshot(), l => l.Message.Contains("bad-id", StringComparison.Ordinal));
    }

    private static Message Some(string id) => new() { Method = "m", MessageId = id, Context = new RequestContext { RequestId = "r" } };

    private NatsMessageBus NewBus() => new(server.Url, TimeProvider.System, new FakeLogger<NatsMessageBus>(logs));
}
