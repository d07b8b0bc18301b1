namespace NovaShim.XenServerSimulator.Dom0.Network;

/// <summary>One way through a host's network: connections ask it whether and when their bytes may pass.</summary>
internal sealed class NetworkLink(TimeProvider time) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly DateTimeOffset[] _freeAt = new DateTimeOffset[2];
    private readonly long[] _sinceError = new long[2];
    private NetworkState _state = NetworkState.Whole;
    private CancellationTokenSource _changed = new();
    private CancellationTokenSource _cut = new();

    public bool IsCut
    {
        get
        {
            lock (_lock)
            {
                return _state.Condition == NetworkCondition.Cut;
            }
        }
    }

    /// <summary>Fires when the link is cut; read it anew for each connection.</summary>
    public CancellationToken CutToken
    {
        get
        {
            lock (_lock)
            {
                return _cut.Token;
            }
        }
    }

    /// <summary>So many bytes at most should be asked for at once, so that a slow link trickles instead of stuttering.</summary>
    public int Portion
    {
        get
        {
            lock (_lock)
            {
                return _state.Condition == NetworkCondition.Slow ? (int)Math.Clamp(_state.BytesPerSecond / 20, 512, int.MaxValue) : int.MaxValue;
            }
        }
    }

    public void Apply(NetworkState state)
    {
        CancellationTokenSource changed;
        CancellationTokenSource? cut = null;
        lock (_lock)
        {
            if (_state == state)
            {
                return;
            }

            _state = state;
            Array.Clear(_freeAt);
            Array.Clear(_sinceError);
            changed = _changed;
            _changed = new CancellationTokenSource();
            if (state.Condition == NetworkCondition.Cut)
            {
                cut = _cut;
                _cut = new CancellationTokenSource();
            }
        }

        // Outside the lock: what waits runs on from here. Not disposed: a connection may be reading the token just now.
        changed.Cancel();
        cut?.Cancel();
    }

    /// <summary>Holds the calling thread until that many bytes may have gone by.</summary>
    /// <param name="bytes">How many.</param>
    /// <param name="direction">0 towards the host, 1 from it: a cable carries both at full rate.</param>
    /// <param name="ct">Ends the waiting.</param>
    public void Pass(int bytes, int direction, CancellationToken ct)
    {
        while (true)
        {
            TimeSpan wait;
            CancellationToken changed;
            lock (_lock)
            {
                if (_state.Condition != NetworkCondition.Slow)
                {
                    return;
                }

                DateTimeOffset now = time.GetUtcNow();
                DateTimeOffset start = _freeAt[direction] > now ? _freeAt[direction] : now;
                _freeAt[direction] = start + TimeSpan.FromSeconds((double)bytes / _state.BytesPerSecond);
                wait = _freeAt[direction] - now;
                changed = _changed.Token;
            }

            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(ct, changed);
            try
            {
                Task.Delay(wait, time, either.Token).GetAwaiter().GetResult();
                return;
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                // The rate is another one now: ask again.
            }
        }
    }

    /// <summary>Flips a bit where a noisy link does.</summary>
    public void Spoil(Span<byte> bytes, int direction)
    {
        lock (_lock)
        {
            if (_state.Condition != NetworkCondition.Noisy)
            {
                return;
            }

            long next = _state.BytesPerError - 1 - _sinceError[direction];
            for (; next < bytes.Length; next += _state.BytesPerError)
            {
                bytes[(int)next] ^= 1;
            }

            _sinceError[direction] = (_sinceError[direction] + bytes.Length) % _state.BytesPerError;
        }
    }

    public void Dispose()
    {
        _changed.Dispose();
        _cut.Dispose();
    }
}
