using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;
using NovaShim.Contracts.Tests.Servers;
using NovaShim.MongoDb;

namespace NovaShim.Contracts.Tests.Documents;

/// <summary>What a store with a network and a server between meets. The server is killed here, so it is always the double.</summary>
public sealed class MongoOutageTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly MongoServer server = new();
    private readonly FakeLogCollector logs = new();

    public Task InitializeAsync() => server.StartAsync();

    public Task DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task What_was_acknowledged_survives_a_server_killed_under_load_and_the_store_goes_on_by_itself()
    {
        using var store = NewStore(server.Uri);
        await store.InitializeAsync(None);
        var instances = store.Collection<InstanceDocument>();
        var acknowledged = new ConcurrentDictionary<string, int>();
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            var current = await instances.InsertAsync(Samples.Instance(), None);
            for (var i = 1; !stop.IsCancellationRequested; i++)
            {
                current = await instances.ReplaceAsync(current with { Progress = i }, None) ?? throw new InvalidOperationException("Nobody else writes this document.");
                acknowledged[current.Key] = i;
                acknowledged[(await instances.InsertAsync(Samples.Instance(), None)).Key] = 0;
            }
        })).ToArray();

        for (var kill = 0; kill < 3; kill++)
        {
            var before = acknowledged.Count;
            await Eventually.TrueAsync(() => acknowledged.Count > before + 100 || writers.Any(w => w.IsFaulted));
            await server.KillAsync();
            await server.StartAsync();
        }

        var last = acknowledged.Count;
        await Eventually.TrueAsync(() => acknowledged.Count > last + 100 || writers.Any(w => w.IsFaulted));
        await stop.CancelAsync();
        await Task.WhenAll(writers);
        await server.KillAsync();
        await server.StartAsync();

        var stored = (await instances.ListAsync(instances.Query(), None)).ToDictionary(d => d.Key, d => d.Progress);
        Assert.DoesNotContain(acknowledged, a => !stored.TryGetValue(a.Key, out var progress) || progress != a.Value);
        Assert.Contains(logs.GetSnapshot(), l => l.Level == LogLevel.Warning);
        Assert.Contains(logs.GetSnapshot(), l => l.Level == LogLevel.Information);
    }

    [Fact]
    public async Task A_write_whose_answer_was_lost_recognises_itself()
    {
        await using var relay = new AnswerLosingRelay(new Uri(server.Uri).Port);
        using var store = NewStore($"mongodb://127.0.0.1:{relay.Port}");
        await store.InitializeAsync(None);
        var instances = store.Collection<InstanceDocument>();

        relay.LoseAnswerTo("insert");
        var inserted = await instances.InsertAsync(Samples.Instance("a"), None);
        Assert.Equal(1, relay.Lost);
        Assert.Equal(1, inserted.Revision);

        relay.LoseAnswerTo("update");
        var replaced = await instances.ReplaceAsync(inserted with { DisplayName = "b" }, None);
        Assert.Equal(2, relay.Lost);
        Assert.Equal(2, replaced!.Revision);
        Assert.Equal(2, (await instances.GetAsync(inserted.Key, None))!.Revision);

        // A loser stays a loser, also when it hears so only the second time.
        relay.LoseAnswerTo("update");
        Assert.Null(await instances.ReplaceAsync(inserted with { DisplayName = "c" }, None));
        relay.LoseAnswerTo("insert");
        Assert.Equal("key", (await Assert.ThrowsAsync<DuplicateKeyException>(() => instances.InsertAsync(Samples.Instance() with { Key = inserted.Key }, None))).Index);
        relay.LoseAnswerTo("delete");
        Assert.False(await instances.DeleteAsync(inserted, None));
        Assert.Equal("b", (await instances.GetAsync(inserted.Key, None))!.DisplayName);

        relay.LoseAnswerTo("delete");
        Assert.True(await instances.DeleteAsync(replaced, None));
        Assert.Equal(6, relay.Lost);
        Assert.Null(await instances.GetAsync(inserted.Key, None));
    }

    [Fact]
    public async Task A_store_that_stays_away_is_told_in_bounded_time_and_waited_for_at_the_start()
    {
        var opened = NewStore(server.Uri, TimeSpan.FromSeconds(2));
        await opened.InitializeAsync(None);
        var stored = await opened.Collection<InstanceDocument>().InsertAsync(Samples.Instance(), None);
        await server.KillAsync();
        await Assert.ThrowsAnyAsync<DocumentStoreException>(() => opened.Collection<InstanceDocument>().GetAsync(stored.Key, None));
        await Assert.ThrowsAnyAsync<DocumentStoreException>(() => opened.Collection<InstanceDocument>().ReplaceAsync(stored, None));
        await Assert.ThrowsAnyAsync<DocumentStoreException>(() => opened.PingAsync(None));
        opened.Dispose();

        using var waiting = NewStore(server.Uri, TimeSpan.FromSeconds(2));
        var initialized = waiting.InitializeAsync(None);
        await Eventually.TrueAsync(() => logs.GetSnapshot().Any(l => l.Message.StartsWith("Waiting", StringComparison.Ordinal)));
        Assert.False(initialized.IsCompleted);
        await server.StartAsync();
        await initialized;
        Assert.NotNull(await waiting.Collection<InstanceDocument>().GetAsync(stored.Key, None));

        using var cancelled = new CancellationTokenSource();
        await server.KillAsync();
        using var abandoned = NewStore(server.Uri);
        var never = abandoned.InitializeAsync(cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => never);
    }

    private MongoDocumentStore NewStore(string uri, TimeSpan? limit = null) => new(uri, TimeProvider.System, new FakeLogger<MongoDocumentStore>(logs), limit);
}
