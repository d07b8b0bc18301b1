using System.Collections.Concurrent;
using NovaShim.Api.Requests;

namespace NovaShim.Api.RateLimits;

/// <summary>How a user stands towards a limit.</summary>
/// <param name="Limit">The limit.</param>
/// <param name="Remaining">How many requests are left now.</param>
/// <param name="NextAvailable">When the next one may be made (UTC).</param>
internal sealed record RateStanding(RateLimit Limit, int Remaining, DateTime NextAvailable);

/// <summary>
/// Counts requests per user as Nova does: each limit is a bucket that a request fills by its share and that leaks all the time; a request that would overflow it is refused and fills nothing. In
/// this process' memory, as Nova's own.
/// </summary>
internal sealed class RateLimiter(RateLimitOptions options, TimeProvider time)
{
    private const int ManyUsers = 10_000;

    private readonly ConcurrentDictionary<string, RateBucket[]> _users = new(StringComparer.Ordinal);

    /// <summary>Whether requests on a surface are counted.</summary>
    public bool Holds(Surface surface) => options.Surfaces.Contains(surface);

    /// <summary>Counts a request. Null when it may be made; else the limit that is in the way for the shortest time, and for how many seconds.</summary>
    public (RateLimit Limit, double Seconds)? Count(string userId, string verb, string pathAndQuery)
    {
        var now = time.GetUtcNow().UtcDateTime;
        (RateLimit Limit, double Seconds)? refused = null;
        foreach (var bucket in Of(userId, now))
        {
            if (bucket.Limit.IsAbout(verb, pathAndQuery) && bucket.Take(now) is { } seconds && (refused is not { } other || seconds < other.Seconds))
            {
                refused = (bucket.Limit, seconds);
            }
        }

        return refused;
    }

    /// <summary>How a user stands, in the order of the configuration; empty on a surface without limits.</summary>
    public IReadOnlyList<RateStanding> StandingsOf(string userId, Surface surface)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return Holds(surface) ? [.. Of(userId, now).Select(b => b.Standing(now))] : [];
    }

    private RateBucket[] Of(string userId, DateTime now)
    {
        if (_users.Count > ManyUsers)
        {
            // Nobody loses anything by buckets that have run empty.
            foreach (var (idle, _) in _users.Where(u => u.Value.All(b => b.IsEmpty(now))).ToList())
            {
                _users.TryRemove(idle, out _);
            }
        }

        return _users.GetOrAdd(userId, _ => [.. options.Limits.Select(l => new RateBucket(l))]);
    }
}
