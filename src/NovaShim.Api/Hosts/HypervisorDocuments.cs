namespace NovaShim.Api.Hosts;

/// <summary>The service that drives a hypervisor.</summary>
internal sealed record HypervisorService(int Id, string Host, string? DisabledReason);

/// <summary>A server on a hypervisor.</summary>
internal sealed record HypervisorServer(string Uuid, string Name);

/// <summary>A hypervisor; everything but id, name, state and status is left out of the short list.</summary>
internal sealed record HypervisorView
{
    /// <summary>Nova's integer id.</summary>
    public required int Id { get; init; }

    /// <summary>Its name.</summary>
    public required string HypervisorHostname { get; init; }

    /// <summary><c>up</c> or <c>down</c>.</summary>
    public required string State { get; init; }

    /// <summary><c>enabled</c> or <c>disabled</c>.</summary>
    public required string Status { get; init; }

    /// <summary>How long it is up, where that was asked for.</summary>
    public string? Uptime { get; init; }

    /// <summary>The servers on it, where they were asked for.</summary>
    public IReadOnlyList<HypervisorServer>? Servers { get; init; }

    /// <summary>The CPU, as JSON in a text.</summary>
    public string? CpuInfo { get; init; }

    /// <summary>Always 0: it is not counted by host.</summary>
    public int? CurrentWorkload { get; init; }

    /// <summary>Free disk as the least there may be, in GiB.</summary>
    public int? DiskAvailableLeast { get; init; }

    /// <summary>Its address.</summary>
    public string? HostIp { get; init; }

    /// <summary>Free disk in GiB.</summary>
    public int? FreeDiskGb { get; init; }

    /// <summary>Free memory in MiB.</summary>
    public int? FreeRamMb { get; init; }

    /// <summary>Nova's name of its kind.</summary>
    public string? HypervisorType { get; init; }

    /// <summary>Its version as one integer.</summary>
    public int? HypervisorVersion { get; init; }

    /// <summary>Disk in GiB.</summary>
    public int? LocalGb { get; init; }

    /// <summary>Disk that is claimed, in GiB.</summary>
    public int? LocalGbUsed { get; init; }

    /// <summary>Memory in MiB.</summary>
    public int? MemoryMb { get; init; }

    /// <summary>Memory that is claimed, in MiB.</summary>
    public int? MemoryMbUsed { get; init; }

    /// <summary>Servers on it.</summary>
    public int? RunningVms { get; init; }

    /// <summary>Physical CPUs.</summary>
    public int? Vcpus { get; init; }

    /// <summary>Virtual CPUs that are claimed.</summary>
    public int? VcpusUsed { get; init; }

    /// <summary>The service.</summary>
    public HypervisorService? Service { get; init; }
}

/// <summary>Hypervisors.</summary>
internal sealed record HypervisorsEnvelope(IReadOnlyList<HypervisorView> Hypervisors);

/// <summary>One hypervisor.</summary>
internal sealed record HypervisorEnvelope(HypervisorView Hypervisor);

/// <summary>All hypervisors together.</summary>
internal sealed record HypervisorStatistics
{
    /// <summary>How many.</summary>
    public int Count { get; init; }

    /// <summary>Always 0: it is not counted by host.</summary>
    public int CurrentWorkload { get; init; }

    /// <summary>Free disk as the least there may be, in GiB.</summary>
    public int DiskAvailableLeast { get; init; }

    /// <summary>Free disk in GiB.</summary>
    public int FreeDiskGb { get; init; }

    /// <summary>Free memory in MiB.</summary>
    public int FreeRamMb { get; init; }

    /// <summary>Disk in GiB.</summary>
    public int LocalGb { get; init; }

    /// <summary>Disk that is claimed, in GiB.</summary>
    public int LocalGbUsed { get; init; }

    /// <summary>Memory in MiB.</summary>
    public int MemoryMb { get; init; }

    /// <summary>Memory that is claimed, in MiB.</summary>
    public int MemoryMbUsed { get; init; }

    /// <summary>Servers.</summary>
    public int RunningVms { get; init; }

    /// <summary>Physical CPUs.</summary>
    public int Vcpus { get; init; }

    /// <summary>Virtual CPUs that are claimed.</summary>
    public int VcpusUsed { get; init; }
}

/// <summary>All hypervisors together.</summary>
internal sealed record HypervisorStatisticsEnvelope(HypervisorStatistics HypervisorStatistics);
