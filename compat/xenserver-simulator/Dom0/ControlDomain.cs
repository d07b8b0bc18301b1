using System.Net;
using Microsoft.Extensions.Logging;
using NovaShim.XenServerSimulator.Dom0.Network;

namespace NovaShim.XenServerSimulator.Dom0;

/// <summary>A host's dom0: a real sshd with its own host key, keys, PATH and HOME, behind a relay that can be cut and slowed.</summary>
internal sealed partial class ControlDomain : IAsyncDisposable
{
    private readonly DomainFolder _folder;
    private readonly IPAddress _address;
    private readonly SshRelay _relay;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _changing = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private Sshd? _sshd;
    private Task _returning = Task.CompletedTask;

    private ControlDomain(DomainFolder folder, IPAddress address, Sshd sshd, SshRelay relay, TimeProvider time, string hostKey) =>
        (_folder, _address, _sshd, _relay, _time, HostKey) = (folder, address, sshd, relay, time, hostKey);

    public string SshHost { get; } = "127.0.0.1";

    public int SshPort => _relay.Port;

    /// <summary>The one user who can log in: whoever runs the simulator.</summary>
    public string SshUser { get; } = Environment.UserName;

    /// <summary>Private half of the key that may log in from the start.</summary>
    public string PrivateKeyFile => _folder.UserKey;

    /// <summary><c>ssh-ed25519 AAAA…</c>, no comment.</summary>
    public string HostKey { get; }

    /// <summary>Starts sshd and the relay; ends first what an earlier, killed process left behind on the same root.</summary>
    /// <exception cref="IOException">sshd is not installed or does not start (the message has its log), or the ssh port is taken.</exception>
    public static async Task<ControlDomain> StartAsync(ControlDomainOptions options, TimeProvider time, ILogger log, CancellationToken ct)
    {
        DomainFolder folder = new(options.Root);
        await DomainProcesses.EndLeftOversAsync(folder, time, ct);
        string mark = DomainProcesses.NewMark(folder.Root);
        IPAddress address = LoopbackRegistry.Claim(folder.Root);
        await folder.LayDownAsync(address, ct);
        Sshd sshd = await Sshd.StartAsync(folder, folder.HostKey, mark, time, ct);
        try
        {
            SshRelay relay = SshRelay.Start(folder.Root, options.SshPort, sshd.EndPoint, time, log);
            LogStarted(log, options.Name, relay.Port, address);
            return new ControlDomain(folder, address, sshd, relay, time, await DomainFolder.PublicKeyAsync(folder.HostKey, ct));
        }
        catch
        {
            await sshd.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether sshd shows another host key than <see cref="HostKey"/>.</summary>
    public bool IsStrange { get; private set; }

    /// <summary>Kills sshd with every session, which is done when this returns; it starts again after a while, on the same port for others.</summary>
    /// <param name="away">How long nobody answers.</param>
    /// <param name="strange">Whether it comes back with another host key, as when somebody else answers there.</param>
    /// <param name="ct">Ends the waiting for an earlier restart.</param>
    public async Task RestartSshdAsync(TimeSpan away, bool strange, CancellationToken ct)
    {
        await _changing.WaitAsync(ct);
        try
        {
            await _returning.WaitAsync(ct);
            await EndSshdAsync();
            IsStrange = strange;
            _returning = ReturnAsync(away, strange ? _folder.StrangeHostKey : _folder.HostKey);
            if (away == TimeSpan.Zero)
            {
                await _returning.WaitAsync(ct);
            }
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Ends sshd and every session of it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _returning;
        await _relay.DisposeAsync();
        await EndSshdAsync();
        LoopbackRegistry.Release(_address, _folder.Root);
        _changing.Dispose();
        _stop.Dispose();
    }

    private async Task ReturnAsync(TimeSpan away, string hostKey)
    {
        try
        {
            await Task.Delay(away, _time, _stop.Token);
            _sshd = await Sshd.StartAsync(_folder, hostKey, DomainProcesses.NewMark(_folder.Root), _time, _stop.Token);
            _relay.Sshd = _sshd.EndPoint;
        }
        catch (OperationCanceledException)
        {
            // The host goes down.
        }
    }

    private async Task EndSshdAsync()
    {
        if (_sshd is { } running)
        {
            _sshd = null;
            await running.DisposeAsync();
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "dom0 of {Host} answers ssh on port {Port} and calls others from {Address}")]
    private static partial void LogStarted(ILogger log, string host, int port, IPAddress address);
}
