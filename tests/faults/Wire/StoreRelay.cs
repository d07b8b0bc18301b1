using System.Buffers.Binary;
using System.Net.Sockets;

namespace NovaShim.Faults.Wire;

/// <summary>
/// Stands between the program and the document store and passes on what MongoDB's wire protocol says, message by message. Told to, it holds a write back before the store has seen it — a write that
/// is still held when its sender is gone was never made — or lets the store apply it and loses the answer, connection and all.
/// </summary>
internal sealed class StoreRelay(int target) : Relay(target)
{
    private const int HeaderSize = 16;

    private readonly Lock _gate = new();
    private Func<ReadOnlyMemory<byte>, bool>? _held;
    private TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Func<ReadOnlyMemory<byte>, bool>? _lost;
    private int _lostEvery = 1;
    private int _lostAtMost;
    private int _lostSeen;
    private int _heldCount;
    private int _lostCount;

    /// <summary>How many messages were held since the last <see cref="Hold"/>.</summary>
    public int HeldCount => Volatile.Read(ref _heldCount);

    /// <summary>How many answers were lost since the last <see cref="Lose"/>.</summary>
    public int LostCount => Volatile.Read(ref _lostCount);

    /// <summary>Whether a message replaces a document of a collection.</summary>
    public static bool Replaces(ReadOnlyMemory<byte> message, string collection) => Has(message, "\u0002update\0"u8, collection);

    /// <summary>Whether a message stores a migration at a step.</summary>
    public static bool StoresStep(ReadOnlyMemory<byte> message, string step) => Replaces(message, "migrations") && Has(message, "\u0002step\0"u8, step);

    /// <summary>Holds back every message that fits until <see cref="Release"/>.</summary>
    public void Hold(Func<ReadOnlyMemory<byte>, bool> which)
    {
        lock (_gate)
        {
            _held = which;
            Volatile.Write(ref _heldCount, 0);
        }
    }

    /// <summary>Holds nothing more; what is held stays so until <see cref="Release"/>.</summary>
    public void HoldNoMore()
    {
        lock (_gate)
        {
            _held = null;
        }
    }

    /// <summary>Lets through what is held, and holds nothing more.</summary>
    public void Release()
    {
        lock (_gate)
        {
            _held = null;
            _released.TrySetResult();
            _released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Loses the answer of each n-th message that fits, so many times at most; each such message is applied.</summary>
    public void Lose(Func<ReadOnlyMemory<byte>, bool> which, int every, int atMost)
    {
        lock (_gate)
        {
            (_lost, _lostEvery, _lostAtMost, _lostSeen) = (which, every, atMost, 0);
            Volatile.Write(ref _lostCount, 0);
        }
    }

    /// <summary>Loses nothing more.</summary>
    public void Keep()
    {
        lock (_gate)
        {
            _lost = null;
        }
    }

    protected override async Task ServeAsync(Socket client, Socket server, CancellationToken cancellation)
    {
        var toLose = new HashSet<int>();
        var up = UpAsync(client, server, toLose, cancellation);
        var down = DownAsync(client, server, toLose, cancellation);
        await await Task.WhenAny(up, down);
    }

    private async Task UpAsync(Socket client, Socket server, HashSet<int> toLose, CancellationToken cancellation)
    {
        while (await ReadAsync(client, cancellation) is { } message)
        {
            if (TaskOfHold(message) is { } released)
            {
                while (!released.IsCompleted)
                {
                    await Task.WhenAny(released, Task.Delay(20, cancellation));
                    cancellation.ThrowIfCancellationRequested();
                    if (IsGone(client))
                    {
                        return;
                    }
                }
            }

            if (IsToLose(message))
            {
                lock (toLose)
                {
                    toLose.Add(BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(4)));
                }
            }

            await SendAsync(server, message, cancellation);
        }
    }

    private async Task DownAsync(Socket client, Socket server, HashSet<int> toLose, CancellationToken cancellation)
    {
        while (await ReadAsync(server, cancellation) is { } message)
        {
            lock (toLose)
            {
                if (toLose.Contains(BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(8))))
                {
                    Interlocked.Increment(ref _lostCount);
                    return;
                }
            }

            await SendAsync(client, message, cancellation);
        }
    }

    private Task? TaskOfHold(byte[] message)
    {
        lock (_gate)
        {
            if (_held?.Invoke(message) != true)
            {
                return null;
            }

            Interlocked.Increment(ref _heldCount);
            return _released.Task;
        }
    }

    private bool IsToLose(byte[] message)
    {
        lock (_gate)
        {
            if (_lost?.Invoke(message) != true || _lostAtMost == 0 || ++_lostSeen % _lostEvery != 0)
            {
                return false;
            }

            _lostAtMost--;
            return true;
        }
    }

    // A BSON string element: its type and name, its length with the final zero, its text, zero.
    private static bool Has(ReadOnlyMemory<byte> message, ReadOnlySpan<byte> element, string value)
    {
        Span<byte> wanted = stackalloc byte[element.Length + 4 + value.Length + 1];
        element.CopyTo(wanted);
        BinaryPrimitives.WriteInt32LittleEndian(wanted[element.Length..], value.Length + 1);
        global::System.Text.Encoding.ASCII.GetBytes(value, wanted[(element.Length + 4)..]);
        wanted[^1] = 0;
        return message.Span.IndexOf(wanted) >= 0;
    }

    private static async Task<byte[]?> ReadAsync(Socket from, CancellationToken cancellation)
    {
        var header = new byte[HeaderSize];
        if (!await FillAsync(from, header, cancellation))
        {
            return null;
        }

        var message = new byte[BinaryPrimitives.ReadInt32LittleEndian(header)];
        header.CopyTo(message, 0);
        return await FillAsync(from, message.AsMemory(HeaderSize), cancellation) ? message : null;
    }

    private static async Task<bool> FillAsync(Socket from, Memory<byte> into, CancellationToken cancellation)
    {
        while (into.Length > 0)
        {
            var count = await from.ReceiveAsync(into, cancellation);
            if (count == 0)
            {
                return false;
            }

            into = into[count..];
        }

        return true;
    }
}
