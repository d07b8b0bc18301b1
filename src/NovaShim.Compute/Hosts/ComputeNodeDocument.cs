using NovaShim.Compute.Documents;
using NovaShim.Sdk;

namespace NovaShim.Compute.Hosts;

/// <summary>
/// What a host has and what is claimed of it: a row of Nova's <c>compute_nodes</c>. Its key is the host's name. Claims are kept by server, not as sums, so that a claim is never taken or
/// given back twice, and one that no server stands behind can be found.
/// </summary>
public sealed record ComputeNodeDocument : Document
{
    /// <summary>Nova's integer id.</summary>
    public required int Id { get; init; }

    /// <summary>The host.</summary>
    public required string Host { get; init; }

    /// <summary>The driver's name in the configuration.</summary>
    public required string Driver { get; init; }

    /// <summary>What the host has.</summary>
    public required HostStats Stats { get; init; }

    /// <summary>What is claimed, by the server's UUID.</summary>
    public IReadOnlyDictionary<string, ResourceClaim> Claims { get; init; } = new Dictionary<string, ResourceClaim>();

    /// <summary>Memory that is claimed, in MiB.</summary>
    public int MemoryMbUsed() => Claims.Values.Sum(c => c.MemoryMb);

    /// <summary>Virtual CPUs that are claimed.</summary>
    public int VcpusUsed() => Claims.Values.Sum(c => c.Vcpus);

    /// <summary>Disk that is claimed, in GiB.</summary>
    public int LocalGbUsed() => Claims.Values.Sum(c => c.DiskGb);

    /// <summary>
    /// Whether a claim fits, not counting the one that <paramref name="besides"/> has already. Memory and disk are not given twice; CPUs are, up to
    /// <see cref="CpuAllocationRatio"/> times, as Nova does.
    /// </summary>
    public bool HasRoomFor(ResourceClaim claim, string besides)
    {
        var taken = Claims.Where(c => c.Key != besides).Select(c => c.Value).ToList();
        return taken.Sum(c => c.MemoryMb) + claim.MemoryMb <= Stats.MemoryMb
            && taken.Sum(c => c.DiskGb) + claim.DiskGb <= Stats.LocalGb
            && taken.Sum(c => c.Vcpus) + claim.Vcpus <= Stats.Vcpus * CpuAllocationRatio;
    }

    /// <summary>How many virtual CPUs one physical CPU is given out as (Nova's default).</summary>
    public const int CpuAllocationRatio = 16;
}

/// <summary>What a server takes of a host.</summary>
/// <param name="MemoryMb">Memory in MiB.</param>
/// <param name="Vcpus">Virtual CPUs.</param>
/// <param name="DiskGb">Disk in GiB.</param>
/// <param name="MigrationUuid">The migration that brought it; null for a server that was built here.</param>
public sealed record ResourceClaim(int MemoryMb, int Vcpus, int DiskGb, string? MigrationUuid)
{
    /// <summary>What a server of a flavor takes.</summary>
    public static ResourceClaim Of(Flavor flavor, string? migrationUuid) => new(flavor.MemoryMb, flavor.Vcpus, flavor.RootGb + flavor.EphemeralGb, migrationUuid);
}
