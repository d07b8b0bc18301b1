using System.Net.Sockets;
using System.Text;

namespace NovaShim.Faults.Wire;

/// <summary>
/// Stands between the program and nats-server. Told to, it loses three of ten messages that are published, publishes three twice, and the others late, so that they arrive in another order;
/// what is no message of the program passes untouched.
/// </summary>
internal sealed class BusRelay(int target) : Relay(target)
{
    private static readonly TimeSpan LatestBy = TimeSpan.FromSeconds(1.5);

    private enum Fate
    {
        Lost,
        Repeated,
        Late,
    }

    // Of ten messages: dealt from a shuffled deck, not thrown with dice, and one of each fate first, so that three messages suffice to meet each.
    private static readonly Fate[] Deck = [Fate.Lost, Fate.Lost, Fate.Lost, Fate.Repeated, Fate.Repeated, Fate.Repeated, Fate.Late, Fate.Late, Fate.Late, Fate.Late];

    private readonly Lock _gate = new();
    private readonly Queue<Fate> _dealt = new();
    private readonly int[] _counts = new int[3];
    private Random? _random;

    /// <summary>From now on messages suffer.</summary>
    public void Disturb(int seed)
    {
        lock (_gate)
        {
            (_random, _counts[0], _counts[1], _counts[2]) = (new Random(seed), 0, 0, 0);
            _dealt.Clear();
        }
    }

    /// <summary>From now on they do not; returns what has happened to how many.</summary>
    public (int Lost, int Repeated, int Late) Calm()
    {
        lock (_gate)
        {
            _random = null;
            return (_counts[0], _counts[1], _counts[2]);
        }
    }

    protected override async Task ServeAsync(Socket client, Socket server, CancellationToken cancellation)
    {
        using var turn = new SemaphoreSlim(1);
        var up = UpAsync(client, server, turn, cancellation);
        var down = DownAsync(client, server, cancellation);
        await await Task.WhenAny(up, down);
    }

    private static async Task DownAsync(Socket client, Socket server, CancellationToken cancellation)
    {
        var buffer = new byte[64 << 10];
        while (await server.ReceiveAsync(buffer, cancellation) is > 0 and var count)
        {
            await SendAsync(client, buffer.AsMemory(0, count), cancellation);
        }
    }

    // "PUB subject [reply] size" or "HPUB subject [reply] sizes size", a line's end, so many bytes, a line's end; every other line stands alone.
    private async Task UpAsync(Socket client, Socket server, SemaphoreSlim turn, CancellationToken cancellation)
    {
        await using var stream = new BufferedStream(new NetworkStream(client, ownsSocket: false), 64 << 10);
        var line = new MemoryStream();
        var one = new byte[1];
        while (true)
        {
            line.SetLength(0);
            do
            {
                if (await stream.ReadAsync(one, cancellation) == 0)
                {
                    return;
                }

                line.WriteByte(one[0]);
            }
            while (one[0] != '\n');

            var words = Encoding.ASCII.GetString(line.GetBuffer(), 0, (int)line.Length).Split(' ', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (words is not ["PUB" or "HPUB", var subject, .., var size])
            {
                await PassAsync(server, line.ToArray(), turn, cancellation);
                continue;
            }

            var body = new byte[int.Parse(size, global::System.Globalization.CultureInfo.InvariantCulture) + 2];
            await stream.ReadExactlyAsync(body, cancellation);
            byte[] message = [.. line.ToArray(), .. body];
            var (fate, delay) = subject.StartsWith("nova.", StringComparison.Ordinal) ? Deal() : default;
            switch (fate)
            {
                case Fate.Lost:
                    break;
                case Fate.Late:
                    _ = PassLateAsync(server, message, delay, turn, cancellation);
                    break;
                case Fate.Repeated:
                    await PassAsync(server, [.. message, .. message], turn, cancellation);
                    break;
                default:
                    await PassAsync(server, message, turn, cancellation);
                    break;
            }
        }
    }

    private (Fate? Fate, TimeSpan Delay) Deal()
    {
        lock (_gate)
        {
            if (_random is null)
            {
                return default;
            }

            if (_dealt.Count == 0)
            {
                var deck = Deck.ToArray();
                _random.Shuffle(deck);
                foreach (var dealt in deck.DistinctBy(fate => fate).Concat(deck.GroupBy(fate => fate).SelectMany(same => same.Skip(1)).OrderBy(_ => _random.Next())))
                {
                    _dealt.Enqueue(dealt);
                }
            }

            var fate = _dealt.Dequeue();
            _counts[(int)fate]++;
            return (fate, LatestBy * _random.NextDouble());
        }
    }

    private static async Task PassAsync(Socket server, byte[] data, SemaphoreSlim turn, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation);
        try
        {
            await SendAsync(server, data, cancellation);
        }
        finally
        {
            turn.Release();
        }
    }

    private static async Task PassLateAsync(Socket server, byte[] data, TimeSpan delay, SemaphoreSlim turn, CancellationToken cancellation)
    {
        try
        {
            await Task.Delay(delay, cancellation);
            await PassAsync(server, data, turn, cancellation);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Too late: the connection has gone, and the message with it.
        }
    }
}
