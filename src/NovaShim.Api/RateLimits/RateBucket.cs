namespace NovaShim.Api.RateLimits;

/// <summary>One user's bucket of one limit. Its capacity is the limit's time in seconds, and it leaks a second's worth each second.</summary>
internal sealed class RateBucket(RateLimit limit)
{
    /// <summary>What rounding may leave: no more than a microsecond.</summary>
    private const double Rounding = 1e-6;

    private readonly Lock _lock = new();
    private double _level;
    private DateTime _at;
    private DateTime _next;

    /// <summary>The limit.</summary>
    public RateLimit Limit => limit;

    private double Capacity => (double)limit.Unit;

    private double Share => Capacity / limit.Value;

    /// <summary>Fills it by one request and returns null, or says in how many seconds that can be done.</summary>
    public double? Take(DateTime now)
    {
        lock (_lock)
        {
            Leak(now);
            var over = _level + Share - Capacity;
            if (over > Rounding)
            {
                _next = now.AddSeconds(over);
                return over;
            }

            _level += Share;
            return null;
        }
    }

    /// <summary>How it stands.</summary>
    public RateStanding Standing(DateTime now)
    {
        lock (_lock)
        {
            Leak(now);
            return new RateStanding(limit, (int)Math.Floor(((Capacity - _level) / Share) + Rounding), _next > now ? _next : now);
        }
    }

    /// <summary>Whether nothing is left in it.</summary>
    public bool IsEmpty(DateTime now)
    {
        lock (_lock)
        {
            Leak(now);
            return _level == 0;
        }
    }

    private void Leak(DateTime now)
    {
        _level = Math.Max(0, _level - Math.Max(0, (now - _at).TotalSeconds));
        _at = now;
    }
}
