using System.Net;
using Microsoft.Extensions.Logging;
using NovaShim.XenServerSimulator.Dom0.Network;

namespace NovaShim.XenServerSimulator.Dom0;

/// <summary>A host's dom0: a real sshd with its own host key, keys, PATH and HOME, behind a relay that can be cut and slowed.</summary>
internal sealed partial class ControlDomain : IAsyncDisposable
{
    private readonly DomainFolder _folder;
    private readonly IPAddress _address;
    private readonly Sshd _sshd;
    private readonly SshRelay _relay;

    private ControlDomain(DomainFolder folder, IPAddress address, Sshd sshd, SshRelay relay, string hostKey) =>
        (_folder, _address, _sshd, _relay, HostKey) = (folder, address, sshd, relay, hostKey);

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
        Sshd sshd = await Sshd.StartAsync(folder, mark, time, ct);
        try
        {
            SshRelay relay = SshRelay.Start(folder.Root, options.SshPort, sshd.EndPoint, time, log);
            LogStarted(log, options.Name, relay.Port, address);
            return new ControlDomain(folder, address, sshd, relay, await DomainFolder.PublicKeyAsync(folder.HostKey, ct));
        }
        catch
        {
            await sshd.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends sshd and every session of it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _relay.DisposeAsync();
        await _sshd.DisposeAsync();
        LoopbackRegistry.Release(_address, _folder.Root);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "dom0 of {Host} answers ssh on port {Port} and calls others from {Address}")]
    private static partial void LogStarted(ILogger log, string host, int port, IPAddress address);
}
