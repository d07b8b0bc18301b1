using Microsoft.Extensions.Logging.Abstractions;
using NovaShim.XenServerSimulator.Dom0;

namespace NovaShim.XenServerSimulator.Tests.Dom0;

/// <summary>The control domains of two hosts, and the ways into them.</summary>
internal sealed class TwoHosts : IAsyncDisposable
{
    private readonly HostFolder _folder = new();

    public ControlDomain One { get; private set; } = null!;

    public ControlDomain Two { get; private set; } = null!;

    public string RootOne => _folder["xen 1"];

    public string RootTwo => _folder["xen2"];

    public static async Task<TwoHosts> StartAsync()
    {
        TwoHosts hosts = new();
        hosts.One = await StartAsync("xen1", hosts.RootOne);
        hosts.Two = await StartAsync("xen2", hosts.RootTwo);
        return hosts;
    }

    public static Task<ControlDomain> StartAsync(string name, string root, int port = 0) => ControlDomain.StartAsync(
        new ControlDomainOptions { Name = name, Root = root, SshPort = port }, TimeProvider.System, NullLogger.Instance, CancellationToken.None);

    /// <summary>The arguments of an administrator's ssh into a host, host key pinned.</summary>
    public string[] Ssh(ControlDomain host)
    {
        string known = _folder[$"known-{host.SshPort}"];
        File.WriteAllText(known, $"[127.0.0.1]:{host.SshPort} {host.HostKey}\n");
        return
        [
            "-F", "none", "-i", host.PrivateKeyFile, "-p", $"{host.SshPort}", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes",
            "-o", $"UserKnownHostsFile={known}", "-o", "ConnectTimeout=10", $"{host.SshUser}@127.0.0.1",
        ];
    }

    public Task<(int Exit, string Out, string Error)> TryAsync(ControlDomain host, string command) => HostFolder.RunAsync("/usr/bin/ssh", [.. Ssh(host), command]);

    public Task<string> RunAsync(ControlDomain host, string command) => HostFolder.SucceedAsync("/usr/bin/ssh", [.. Ssh(host), command]);

    /// <summary>A key made in the first dom0 that may put files into a folder of the second and nothing else; gives the rsync command's beginning.</summary>
    public async Task<string> TrustAsync(string staging)
    {
        string publicKey = await RunAsync(One, "ssh-keygen -q -t ed25519 -N '' -f \"$HOME/.ssh/id_migration\" && cat \"$HOME/.ssh/id_migration.pub\"");
        await RunAsync(One, $"echo '[127.0.0.1]:{Two.SshPort} {Two.HostKey}' > \"$HOME/.ssh/known_migration\"");
        await RunAsync(Two, $"mkdir -p '{staging}' && echo 'restrict,command=\"/usr/bin/rrsync -wo {staging}\" {publicKey.Trim()}' >> \"$HOME/.ssh/authorized_keys\"");

        // HOME may hold a space, which rsync would split at: relative to it there is none.
        return $"cd \"$HOME/.ssh\" && rsync -a --whole-file -e 'ssh -F none -i id_migration -o UserKnownHostsFile=known_migration -o BatchMode=yes "
            + $"-o StrictHostKeyChecking=yes -o ConnectTimeout=10 -p {Two.SshPort}'";
    }

    public string Target => $"{Two.SshUser}@127.0.0.1:/";

    public async ValueTask DisposeAsync()
    {
        await One.DisposeAsync();
        await Two.DisposeAsync();
        _folder.Dispose();
    }
}
