namespace NovaShim.XenServerSimulator.Dom0;

/// <summary>Where a host's control domain lives.</summary>
internal sealed record ControlDomainOptions
{
    /// <summary>The host's name, as in <c>xen1</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The host's folder; the control domain keeps everything in <c>dom0/</c> below it.</summary>
    public required string Root { get; init; }

    /// <summary>Loopback port others reach sshd at; 0 lets the system choose.</summary>
    public int SshPort { get; init; }
}
