using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.XenServer.Dom0;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer;

/// <summary>One XenServer host as the driver reaches it: its pool's XenAPI, its dom0, and what they are configured with.</summary>
internal sealed class XenServerHost : IAsyncDisposable
{
    public XenServerHost(ComputeHost host)
    {
        Name = host.Name;
        Settings = XenServerSettings.Read(host.Name, host.Settings);
        Time = host.Time;
        Logs = host.LoggerFactory;
        Session = new Session(Settings, Time, Logs.CreateLogger<Session>());
        Dom0 = new ControlDomain(Settings, Time, Logs.CreateLogger<ControlDomain>());
        Files = new VhdFiles(Dom0, Settings, Time);
    }

    /// <summary>The control plane's name of it.</summary>
    public string Name { get; }

    public XenServerSettings Settings { get; }

    public TimeProvider Time { get; }

    public ILoggerFactory Logs { get; }

    public Session Session { get; }

    public ControlDomain Dom0 { get; }

    public VhdFiles Files { get; }

    /// <summary>The time now, UTC.</summary>
    public DateTime Now => Time.GetUtcNow().UtcDateTime;

    // References are looked up each time: they die with the server's database.

    /// <summary>The host's own reference: the only host of its pool, or the member whose address or name is the configured one.</summary>
    public async Task<string> ReferenceAsync(CancellationToken cancellation)
    {
        var hosts = await Host.get_all_records(Session, cancellation);
        var mine = hosts.Count == 1
            ? hosts.Keys.Single()
            : hosts.FirstOrDefault(h => h.Value.address == Settings.SshHost || h.Value.hostname == Settings.SshHost || h.Value.name_label == Name).Key;
        return mine
            ?? throw new StepFailedException($"The pool at {Settings.Url} has {hosts.Count} hosts, and none of them has the address {Settings.SshHost} (ssh_host) or the name {Name}.");
    }

    /// <summary>The reference of the storage repository for servers' disks.</summary>
    public async Task<string> SrAsync(CancellationToken cancellation)
    {
        try
        {
            return await SR.get_by_uuid(Session, Settings.SrUuid, cancellation);
        }
        catch (Failure f) when (f.IsGone)
        {
            throw new StepFailedException($"The host {Name} has no storage repository {Settings.SrUuid} (sr_uuid).", StepRecovery.Retry, f);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Session.DisposeAsync();
        await Dom0.DisposeAsync();
    }
}
