namespace NovaShim.Sdk;

/// <summary>What a host has to offer (Nova's <c>get_host_stats</c>): totals, not what is left of them; the control plane keeps the claims.</summary>
public sealed record HostStats
{
    /// <summary>The node's name at the hypervisor.</summary>
    public required string HypervisorHostname { get; init; }

    /// <summary>Nova's name of the kind of hypervisor: <c>xen</c>, <c>fake</c> …</summary>
    public required string HypervisorType { get; init; }

    /// <summary>The hypervisor's version as one integer, Nova's way: 8.2.1 is 8002001.</summary>
    public required int HypervisorVersion { get; init; }

    /// <summary>Physical CPUs.</summary>
    public required int Vcpus { get; init; }

    /// <summary>Memory for guests in MiB.</summary>
    public required int MemoryMb { get; init; }

    /// <summary>Disk for guests in GiB.</summary>
    public required int LocalGb { get; init; }

    /// <summary>Disk in use, in GiB, as the hypervisor counts it.</summary>
    public int LocalGbUsed { get; init; }

    /// <summary>The address other hosts reach this one at.</summary>
    public string HostIp { get; init; } = "";

    /// <summary>What the CPU is, as JSON (Nova's <c>cpu_info</c>).</summary>
    public string CpuInfo { get; init; } = "{}";

    /// <summary>When the host came up (UTC, whole seconds); null where the driver cannot tell.</summary>
    public DateTime? BootedAt { get; init; }
}
