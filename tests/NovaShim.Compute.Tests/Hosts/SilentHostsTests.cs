using System.Linq.Expressions;
using Microsoft.Extensions.Time.Testing;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;

namespace NovaShim.Compute.Tests.Hosts;

/// <summary>Who may call a host silent.</summary>
public sealed class SilentHostsTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly ComputeOptions _options = new();

    [Theory]
    [InlineData(31)]
    [InlineData(59)]
    [InlineData(61)]
    [InlineData(600)]
    public async Task Nobody_is_called_silent_because_the_store_answered_late(int secondsAway)
    {
        var store = new SlowStore(new MemoryStore(_time).Open());
        var services = new ServiceGroup(store, _options, _time);
        var listener = new SilentHosts(services, _options, _time);
        for (var beats = 0; beats < 30; beats++)
        {
            await services.BeatAsync("one", ServiceGroup.ComputeBinary, "compute", default);
            await listener.ListenAsync(default);
            _time.Advance(TimeSpan.FromSeconds(_options.HeartbeatSeconds));
        }

        // Nobody beats while the store is away, and the listener's question is answered when it is back.
        store.Late = () => _time.Advance(TimeSpan.FromSeconds(secondsAway));
        Assert.Null(await listener.ListenAsync(default));
        store.Late = null;

        // A host that stays away after that is silent, once it has been listened to for long enough.
        HostSilence? heard = null;
        for (var beats = 0; beats < 30; beats++)
        {
            _time.Advance(TimeSpan.FromSeconds(_options.HeartbeatSeconds));
            heard = await listener.ListenAsync(default);
        }

        Assert.NotNull(heard?.Of("one"));
    }

    private sealed class SlowStore(IDocumentStore store) : IDocumentStore
    {
        public Action? Late { get; set; }

        public IDocumentCollection<T> Collection<T>() where T : Document => new SlowCollection<T>(store.Collection<T>(), this);

        public Task InitializeAsync(CancellationToken cancellation) => store.InitializeAsync(cancellation);

        public Task PingAsync(CancellationToken cancellation) => store.PingAsync(cancellation);
    }

    private sealed class SlowCollection<T>(IDocumentCollection<T> documents, SlowStore store) : IDocumentCollection<T> where T : Document
    {
        public Task<T?> GetAsync(string key, CancellationToken cancellation) => documents.GetAsync(key, cancellation);

        public Task<T> InsertAsync(T document, CancellationToken cancellation) => documents.InsertAsync(document, cancellation);

        public Task<T?> ReplaceAsync(T document, CancellationToken cancellation) => documents.ReplaceAsync(document, cancellation);

        public Task<bool> DeleteAsync(T document, CancellationToken cancellation) => documents.DeleteAsync(document, cancellation);

        public IQueryable<T> Query() => documents.Query();

        public Task<IReadOnlyList<TResult>> ListAsync<TResult>(IQueryable<TResult> query, CancellationToken cancellation)
        {
            store.Late?.Invoke();
            return documents.ListAsync(query, cancellation);
        }

        public Task<long> CountAsync(Expression<Func<T, bool>> condition, CancellationToken cancellation) => documents.CountAsync(condition, cancellation);
    }
}
