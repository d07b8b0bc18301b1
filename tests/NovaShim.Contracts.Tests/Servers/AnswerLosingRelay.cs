using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NovaShim.Contracts.Tests.Servers;

/// <summary>A relay before a MongoDB-protocol server that can lose one answer: the command reaches the server and is executed, its answer is thrown away and the connection closed.</summary>
internal sealed class AnswerLosingRelay : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly int target;
    private readonly CancellationTokenSource ended = new();
    private readonly Task accepting;
    private string? losing;
    private int lost;

    public AnswerLosingRelay(int target)
    {
        this.target = target;
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>How many answers were lost.</summary>
    public int Lost => Volatile.Read(ref lost);

    /// <summary>Loses the answer to the next command of this name.</summary>
    public void LoseAnswerTo(string command) => Volatile.Write(ref losing, command);

    public async ValueTask DisposeAsync()
    {
        await ended.CancelAsync();
        listener.Stop();
        await accepting;
        ended.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = RelayAsync(await listener.AcceptTcpClientAsync(ended.Token));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
        }
    }

    private async Task RelayAsync(TcpClient client)
    {
        using var near = client;
        using var far = new TcpClient();
        try
        {
            await far.ConnectAsync(IPAddress.Loopback, target, ended.Token);
            var answerIsLost = false;
            var up = Copy(near, far, chunk =>
            {
                if (Volatile.Read(ref losing) is { } command && chunk.Span.IndexOf(Encoding.ASCII.GetBytes($"\u0002{command}\0")) >= 0)
                {
                    Volatile.Write(ref losing, null);
                    answerIsLost = true;
                }

                return true;
            });
            var down = Copy(far, near, _ =>
            {
                if (answerIsLost)
                {
                    Interlocked.Increment(ref lost);
                }

                return !answerIsLost;
            });
            await Task.WhenAny(up, down);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException)
        {
        }
    }

    private async Task Copy(TcpClient from, TcpClient to, Func<ReadOnlyMemory<byte>, bool> passes)
    {
        var buffer = new byte[64 * 1024];
        while (await from.GetStream().ReadAsync(buffer, ended.Token) is > 0 and var count)
        {
            if (!passes(buffer.AsMemory(0, count)))
            {
                return;
            }

            await to.GetStream().WriteAsync(buffer.AsMemory(0, count), ended.Token);
        }
    }
}
