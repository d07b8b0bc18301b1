using NovaShim.XenServerSimulator.Guests;

namespace NovaShim.XenServerSimulator.Host;

/// <summary>What one host is started with.</summary>
internal sealed record HostOptions
{
    public required string Name { get; init; }

    /// <summary>The folder that holds everything of the host; whoever starts a host on it again finds it as it was.</summary>
    public required string Root { get; init; }

    /// <summary>Loopback port of the API; 0: the one this root had before, else one the system chooses.</summary>
    public int Port { get; init; }

    /// <summary>Loopback port of sshd; 0 likewise.</summary>
    public int SshPort { get; init; }

    public string ProductVersion { get; init; } = "8.2.1";

    /// <summary>Bytes per second that each guest writes.</summary>
    public long GuestWriteRate { get; init; } = 1 << 20;

    /// <summary>The agent in each guest.</summary>
    public GuestAgentKind GuestAgent { get; init; } = GuestAgentKind.On;

    /// <summary>From what kicks the garbage collector to its run.</summary>
    public TimeSpan CoalesceDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>All memory of the host, in MiB.</summary>
    public long MemoryMib { get; init; } = 16 * 1024;

    /// <summary>Where the ready file goes.</summary>
    public required string Ready { get; init; }
}
