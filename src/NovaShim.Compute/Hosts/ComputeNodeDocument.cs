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
}

/// <summary>What a server takes of a host.</summary>
/// <param name="MemoryMb">Memory in MiB.</param>
/// <param name="Vcpus">Virtual CPUs.</param>
/// <param name="DiskGb">Disk in GiB.</param>
public sealed record ResourceClaim(int MemoryMb, int Vcpus, int DiskGb)
{
    /// <summary>What a server of a flavor takes.</summary>
    public static ResourceClaim Of(Flavor flavor) => new(flavor.MemoryMb, flavor.Vcpus, flavor.RootGb + flavor.EphemeralGb);
}
