using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace NovaShim.XenServerSimulator.Dom0.Network;

/// <summary>
/// The host's network card: stands before sshd on the port that others know and passes bytes on as far as the host's own network, and the caller's when the
/// caller is another simulated host, let them through.
/// </summary>
internal sealed partial class SshRelay : IAsyncDisposable
{
    private const int BufferSize = 256 << 10;

    /// <summary>How often the files that describe the networks are looked at.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    private readonly Socket _listener;
    private volatile IPEndPoint _sshd;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly HostNetwork _own;
    private readonly Dictionary<string, HostNetwork> _callers = [];
    private readonly HashSet<Task> _connections = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private readonly Task _looking;

    private SshRelay(Socket listener, string root, IPEndPoint sshd, TimeProvider time, ILogger log)
    {
        (_listener, _sshd, _time, _log) = (listener, sshd, time, log);
        _own = new HostNetwork(root, time);
        _own.Refresh();
        _accepting = AcceptAsync(_stop.Token);
        _looking = LookAsync(_stop.Token);
    }

    /// <summary>The port others reach sshd at.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Where the sshd behind is; what comes while none is there is dropped.</summary>
    public IPEndPoint Sshd
    {
        set => _sshd = value;
    }

    /// <summary>Listens on that loopback port (0: any) for the sshd behind.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    public static SshRelay Start(string root, int port, IPEndPoint sshd, TimeProvider time, ILogger log)
    {
        Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // Accepted sockets inherit it. Small enough that what a slowed link holds back shows at the sender, big enough for full speed.
            listener.ReceiveBufferSize = BufferSize;
            listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
            listener.Listen(128);
            return new SshRelay(listener, root, sshd, time, log);
        }
        catch (SocketException e)
        {
            listener.Dispose();
            throw new IOException($"The ssh port {port} on 127.0.0.1 cannot be used: {e.Message}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await Task.WhenAll(_accepting, _looking);
        Task[] open;
        lock (_connections)
        {
            open = [.. _connections];
        }

        await Task.WhenAll(open);
        foreach (HostNetwork caller in _callers.Values)
        {
            caller.Dispose();
        }

        _own.Dispose();
        _stop.Dispose();
    }

    private async Task LookAsync(CancellationToken ct)
    {
        using PeriodicTimer timer = new(LookInterval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                _own.Refresh();
                HostNetwork[] callers;
                lock (_callers)
                {
                    callers = [.. _callers.Values];
                }

                foreach (HostNetwork caller in callers)
                {
                    caller.Refresh();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host goes down.
        }
    }

    private async Task AcceptAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptAsync(ct);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                LogAcceptFailed(_log, e.Message);
                continue;
            }

            Task connection = ServeAsync(client, ct);
            lock (_connections)
            {
                _connections.Add(connection);
            }

            _ = connection.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private void Forget(Task connection)
    {
        lock (_connections)
        {
            _connections.Remove(connection);
        }
    }

    private async Task ServeAsync(Socket client, CancellationToken ct)
    {
        using Socket inside = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using (client)
        {
            try
            {
                NetworkLink[] links = LinksOf(((IPEndPoint)client.RemoteEndPoint!).Address);

                // The tokens before the question: a cut between the two still ends this connection.
                CancellationToken[] ends = [ct, .. links.Select(l => l.CutToken)];
                using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(ends);
                if (links.Any(l => l.IsCut))
                {
                    Drop(client);
                    return;
                }

                client.NoDelay = inside.NoDelay = true;
                inside.Connect(_sshd);
                using CancellationTokenRegistration dropping = end.Token.Register(() =>
                {
                    Drop(client);
                    Drop(inside);
                });
                await Task.WhenAll(OnThreadAsync(() => Copy(client, inside, links, 0, end)), OnThreadAsync(() => Copy(inside, client, links, 1, end)));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                Drop(client);
            }
        }
    }

    /// <summary>
    /// A thread for each direction, blocked in the system's own calls: ssh writes in small pieces, and waking a pool for each of them costs more than ssh's
    /// encryption.
    /// </summary>
    private static Task OnThreadAsync(Action copy) => Task.Factory.StartNew(copy, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private NetworkLink[] LinksOf(IPAddress from)
    {
        _own.Refresh();
        string? root = LoopbackRegistry.OwnerOf(from);
        if (root is null)
        {
            return [from.Equals(IPAddress.Loopback) ? _own.Management : _own.Peers];
        }

        HostNetwork? caller;
        lock (_callers)
        {
            if (!_callers.TryGetValue(root, out caller))
            {
                _callers[root] = caller = new HostNetwork(root, _time);
            }
        }

        caller.Refresh();
        return [_own.Peers, caller.Peers];
    }

    private static void Copy(Socket from, Socket to, NetworkLink[] links, int direction, CancellationTokenSource end)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            while (true)
            {
                int portion = Math.Min(BufferSize, links.Min(l => l.Portion));
                int count = from.Receive(buffer, 0, portion, SocketFlags.None);
                if (count == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }

                foreach (NetworkLink link in links)
                {
                    link.Pass(count, direction, end.Token);
                    link.Spoil(buffer.AsSpan(0, count), direction);
                }

                for (int sent = 0; sent < count;)
                {
                    sent += to.Send(buffer, sent, count - sent, SocketFlags.None);
                }
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One side is gone or the link is cut: the other direction has nothing left to do either.
            end.Cancel();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Drops a connection as a broken network does, without a goodbye; who waits on it is woken.</summary>
    private static void Drop(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Dispose();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is gone already.
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The relay could not take a connection: {Reason}")]
    private static partial void LogAcceptFailed(ILogger log, string reason);
}
