using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace NovaShim.XenServerSimulator.Dom0;

/// <summary>A running sshd on a private loopback port, held by a watchdog that ends it when this process ends, in whatever way.</summary>
internal sealed class Sshd : IAsyncDisposable
{
    private const string Program = "/usr/sbin/sshd";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);
    private readonly Process _watchdog;

    private Sshd(Process watchdog, IPEndPoint endPoint) => (_watchdog, EndPoint) = (watchdog, endPoint);

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Starts it and returns when it greets.</summary>
    /// <exception cref="IOException">It is not installed, or ended at once: the message has the end of its log.</exception>
    public static async Task<Sshd> StartAsync(DomainFolder folder, string hostKey, string mark, TimeProvider time, CancellationToken ct)
    {
        if (!File.Exists(Program))
        {
            throw new IOException($"{Program} is missing: install the package openssh-server.");
        }

        if (Environment.IsPrivilegedProcess)
        {
            // Only a running system's init makes it; sshd refuses to start as root without.
            Directory.CreateDirectory("/run/sshd");
        }

        const int attempts = 5;
        for (int attempt = 1; ; attempt++)
        {
            IPEndPoint endPoint = new(IPAddress.Loopback, FreePort());
            await folder.WriteSshdConfigAsync(endPoint.Port, hostKey, mark, ct);
            File.Delete(folder.SshdPid);
            File.Delete(folder.SshdLog);

            // A session of its own: a Ctrl-C meant for the simulator does not reach sshd before its time.
            ProcessStartInfo start = new("/usr/bin/setsid", [folder.Watchdog, folder.SshdConfig, folder.SshdLog, mark]) { RedirectStandardInput = true };
            Process watchdog = Process.Start(start) ?? throw new IOException("the watchdog of sshd did not start.");
            Sshd sshd = new(watchdog, endPoint);
            try
            {
                await sshd.WaitForGreetingAsync(folder, time, ct);
                return sshd;
            }
            catch (IOException) when (attempt < attempts && !ct.IsCancellationRequested)
            {
                // Somebody took the port between the question and its use.
                await sshd.DisposeAsync();
            }
            catch
            {
                await sshd.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>Ends sshd and every session's processes.</summary>
    public async ValueTask DisposeAsync()
    {
        _watchdog.StandardInput.Close();
        await _watchdog.WaitForExitAsync(CancellationToken.None);
        _watchdog.Dispose();
    }

    private async Task WaitForGreetingAsync(DomainFolder folder, TimeProvider time, CancellationToken ct)
    {
        long began = time.GetTimestamp();
        while (true)
        {
            // sshd writes its PidFile once it listens, so the greeting below is its own and not a stranger's.
            if (File.Exists(folder.SshdPid) && await GreetsAsync(ct))
            {
                return;
            }

            if (time.GetElapsedTime(began) > StartLimit || HasGivenUp(folder))
            {
                string log = File.Exists(folder.SshdLog) ? string.Join(" | ", File.ReadLines(folder.SshdLog).TakeLast(5)) : "no log";
                throw new IOException($"sshd did not start: {log}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), time, ct);
        }
    }

    /// <summary>The watchdog outlives an sshd that could not start; that one says so in its log.</summary>
    private bool HasGivenUp(DomainFolder folder) =>
        _watchdog.HasExited || (File.Exists(folder.SshdLog) && File.ReadAllText(folder.SshdLog) is { } log
            && (log.Contains("Cannot bind any address", StringComparison.Ordinal) || log.Contains("Missing privilege separation", StringComparison.Ordinal)));

    private async Task<bool> GreetsAsync(CancellationToken ct)
    {
        try
        {
            using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(EndPoint, ct);
            byte[] greeting = new byte[4];
            return await socket.ReceiveAsync(greeting, ct) == 4 && greeting.AsSpan().SequenceEqual("SSH-"u8);
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
