using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using NovaShim.Compute.Messaging;
using NovaShim.Contracts.Tests.Servers;

namespace NovaShim.Contracts.Tests.Messaging;

/// <summary>What every message bus does. Run over each implementation.</summary>
public abstract class MessageBusContract : IAsyncLifetime
{
    protected static readonly CancellationToken None = CancellationToken.None;

    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    private readonly string subject = $"nova.test.{Guid.NewGuid():N}";

    protected FakeLogCollector Logs { get; } = new();

    private IMessageBus Bus { get; set; } = null!;

    public async Task InitializeAsync() => Bus = await OpenAsync();

    public async Task DisposeAsync() => await CloseAsync(Bus);

    protected abstract Task<IMessageBus> OpenAsync();

    protected abstract Task CloseAsync(IMessageBus opened);

    protected static Message Message(string method = "resize_instance", string id = "m-1") => new()
    {
        Method = method, MessageId = id, Context = new RequestContext { RequestId = "req-1", UserId = "u", IsAdmin = true, Timestamp = new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc) },
        Args = new Dictionary<string, JsonElement> { ["instance_uuid"] = JsonSerializer.SerializeToElement("é.$") },
    };

    [Fact]
    public async Task A_cast_reaches_whoever_listens_whole()
    {
        var received = new TaskCompletionSource<Message>();
        await using var subscription = await Bus.SubscribeAsync(subject, null, (m, _) => Answer(() => received.SetResult(m)), None);
        var sent = Message();
        await Bus.CastAsync(subject, sent, None);

        var message = await received.Task.WaitAsync(Long);
        Assert.Equal((sent.Method, sent.MessageId, sent.Context), (message.Method, message.MessageId, message.Context));
        Assert.Equal("é.$", message.Args["instance_uuid"].GetString());
    }

    [Fact]
    public async Task A_cast_that_nobody_hears_is_no_error() => await Bus.CastAsync(subject, Message(), None);

    [Fact]
    public async Task Without_a_group_each_gets_a_message_and_of_a_group_one()
    {
        var received = new ConcurrentBag<(string Who, string Id)>();
        MessageHandler Note(string who) => (m, _) => Answer(() => received.Add((who, m.MessageId)));
        await using var a = await Bus.SubscribeAsync(subject, null, Note("a"), None);
        await using var b = await Bus.SubscribeAsync(subject, null, Note("b"), None);
        await using var s1 = await Bus.SubscribeAsync(subject, "schedulers", Note("s"), None);
        await using var s2 = await Bus.SubscribeAsync(subject, "schedulers", Note("s"), None);
        await using var other = await Bus.SubscribeAsync(subject, "others", Note("o"), None);
        await using var elsewhere = await Bus.SubscribeAsync(subject + ".x", null, Note("elsewhere"), None);
        var ids = Enumerable.Range(0, 50).Select(i => $"m-{i}").ToArray();
        foreach (var id in ids)
        {
            await Bus.CastAsync(subject, Message(id: id), None);
        }

        await Eventually.TrueAsync(() => received.Count >= 200);
        foreach (var who in new[] { "a", "b", "s", "o" })
        {
            Assert.Equal(ids.Order(), received.Where(r => r.Who == who).Select(r => r.Id).Order());
        }

        Assert.DoesNotContain(received, r => r.Who == "elsewhere");
    }

    [Fact]
    public async Task A_call_is_answered()
    {
        await using var subscription = await Bus.SubscribeAsync(subject, "g", (m, _) => Task.FromResult<Message?>(m with { Method = "answer" }), None);
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Bus.CallAsync(subject, Message(id: $"m-{i}"), Long, None)));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"m-{i}"), answers.Select(a => a.MessageId));
        Assert.All(answers, a => Assert.Equal("answer", a.Method));
    }

    [Fact]
    public async Task A_call_without_an_answer_ends_at_its_deadline()
    {
        await Assert.ThrowsAsync<TimeoutException>(() => Bus.CallAsync(subject, Message(), Long, None)); // Nobody listens: known at once.

        await using var silent = await Bus.SubscribeAsync(subject, null, (_, _) => Task.FromResult<Message?>(null), None);
        await Assert.ThrowsAsync<TimeoutException>(() => Bus.CallAsync(subject, Message(), TimeSpan.FromMilliseconds(200), None));
    }

    [Fact]
    public async Task A_cancelled_call_is_cancelled()
    {
        await using var silent = await Bus.SubscribeAsync(subject, null, (_, _) => Task.FromResult<Message?>(null), None);
        using var cancellation = new CancellationTokenSource();
        var call = Bus.CallAsync(subject, Message(), Long, cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Fact]
    public async Task A_slow_handler_holds_up_nobody()
    {
        var release = new TaskCompletionSource();
        var received = new ConcurrentBag<string>();
        await using var slow = await Bus.SubscribeAsync(
            subject, null,
            async (m, _) =>
            {
                if (m.MessageId == "slow")
                {
                    await release.Task;
                }

                received.Add(m.MessageId);
                return null;
            },
            None);
        await Bus.CastAsync(subject, Message(id: "slow"), None);
        await Bus.CastAsync(subject, Message(id: "fast"), None);
        await Eventually.TrueAsync(() => received.Contains("fast"));
        Assert.DoesNotContain("slow", received);
        release.SetResult();
        await Eventually.TrueAsync(() => received.Contains("slow"));
    }

    [Fact]
    public async Task What_a_handler_throws_is_logged_and_the_next_message_is_handled()
    {
        var received = new TaskCompletionSource();
        await using var subscription = await Bus.SubscribeAsync(
            subject, null, (m, _) => m.MessageId == "bad" ? throw new InvalidOperationException("on purpose") : Answer(received.SetResult), None);
        await Assert.ThrowsAsync<TimeoutException>(() => Bus.CallAsync(subject, Message(id: "bad"), TimeSpan.FromMilliseconds(500), None));
        await Bus.CastAsync(subject, Message(id: "good"), None);
        await received.Task.WaitAsync(Long);

        var logged = Assert.Single(Logs.GetSnapshot(), r => r.Level == LogLevel.Error);
        Assert.IsType<InvalidOperationException>(logged.Exception);
        Assert.Contains("bad", logged.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_has_unsubscribed_gets_nothing_more_and_is_told_to_stop()
    {
        var count = 0;
        var stopped = new TaskCompletionSource();
        var started = new TaskCompletionSource();
        var first = await Bus.SubscribeAsync(
            subject, null,
            async (_, c) =>
            {
                Interlocked.Increment(ref count);
                started.TrySetResult();
                await using var registration = c.Register(() => stopped.TrySetResult());
                await stopped.Task;
                return null;
            },
            None);
        await Bus.CastAsync(subject, Message(), None);
        await started.Task.WaitAsync(Long);
        await first.DisposeAsync();
        await first.DisposeAsync();
        await stopped.Task.WaitAsync(Long);

        var witness = new TaskCompletionSource();
        await using var second = await Bus.SubscribeAsync(subject, null, (_, _) => Answer(() => witness.TrySetResult()), None);
        await Bus.CastAsync(subject, Message(), None);
        await witness.Task.WaitAsync(Long);
        Assert.Equal(1, count);
    }

    [Fact]
    public async Task A_handler_may_use_the_bus_and_end_its_own_subscription()
    {
        var done = new TaskCompletionSource();
        IAsyncDisposable? subscription = null;
        var subscribed = new TaskCompletionSource();
        subscription = await Bus.SubscribeAsync(
            subject, null,
            async (_, _) =>
            {
                await subscribed.Task;
                await Bus.CastAsync(subject + ".other", Message(), None);
                await subscription!.DisposeAsync();
                done.SetResult();
                return null;
            },
            None);
        subscribed.SetResult();
        await Bus.CastAsync(subject, Message(), None);
        await done.Task.WaitAsync(Long);
    }

    [Theory]
    [InlineData("xen1")]
    [InlineData("xen1.example.org")]
    [InlineData("a host > with * all. of it%2E")]
    [InlineData("größe")]
    public async Task Any_host_name_makes_a_subject_of_its_own(string host)
    {
        var received = new TaskCompletionSource<string>();
        await using var subscription = await Bus.SubscribeAsync(Subjects.Compute(host), null, (m, _) => Answer(() => received.TrySetResult(m.MessageId)), None);
        await Bus.CastAsync(Subjects.Compute(host + "x"), Message(id: "other"), None);
        await Bus.CastAsync(Subjects.Compute(host), Message(id: "mine"), None);
        Assert.Equal("mine", await received.Task.WaitAsync(Long));
    }

    private static Task<Message?> Answer(Action note)
    {
        note();
        return Task.FromResult<Message?>(null);
    }
}
