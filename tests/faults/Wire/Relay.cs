using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace NovaShim.Faults.Wire;

/// <summary>Listens on a port of its own and connects whoever comes to a port behind it; where nobody listens there, the connection is closed.</summary>
/// <param name="target">The port on 127.0.0.1 behind it.</param>
internal abstract class Relay(int target) : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ended = new();
    private readonly ConcurrentDictionary<Task, bool> _connections = new();
    private Task _accepting = Task.CompletedTask;

    /// <summary>Where it listens.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Start()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections.Keys);
        _ended.Dispose();
    }

    /// <summary>Passes on what either side says until one of them ends.</summary>
    protected abstract Task ServeAsync(Socket client, Socket server, CancellationToken cancellation);

    /// <summary>Whether the other side has closed the connection and said nothing before that is still unread.</summary>
    protected static bool IsGone(Socket socket)
    {
        try
        {
            return socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    protected static async Task SendAsync(Socket to, ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        while (data.Length > 0)
        {
            data = data[await to.SendAsync(data, cancellation)..];
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_ended.Token);
                var connection = ConnectAsync(client);
                _connections[connection] = true;
                _ = connection.ContinueWith(c => _connections.TryRemove(c, out _), TaskScheduler.Default);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // It is over.
        }
    }

    private async Task ConnectAsync(Socket client)
    {
        await Task.Yield();
        using (client)
        using (var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true })
        {
            client.NoDelay = true;
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, target, _ended.Token);
                await ServeAsync(client, server, _ended.Token);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // One side is gone: so is the connection.
            }
        }
    }
}
