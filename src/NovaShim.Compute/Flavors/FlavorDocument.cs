using NovaShim.Compute.Documents;
using NovaShim.Sdk;

namespace NovaShim.Compute.Flavors;

/// <summary>A flavor: a row of Nova's <c>instance_types</c>.</summary>
public sealed record FlavorDocument : Document
{
    /// <summary>Nova's integer id.</summary>
    public required int Id { get; init; }

    /// <summary>The id users see.</summary>
    public required string FlavorId { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Memory in MiB.</summary>
    public required int MemoryMb { get; init; }

    /// <summary>Virtual CPUs.</summary>
    public required int Vcpus { get; init; }

    /// <summary>Root disk in GiB; 0 = as the image.</summary>
    public required int RootGb { get; init; }

    /// <summary>Ephemeral disk in GiB.</summary>
    public int EphemeralGb { get; init; }

    /// <summary>Swap in MiB.</summary>
    public int Swap { get; init; }

    /// <summary>Network share relative to other flavors.</summary>
    public double RxtxFactor { get; init; } = 1.0;

    /// <summary>Whether all tenants may use it.</summary>
    public bool IsPublic { get; init; } = true;

    /// <summary>The tenants that may use it although it is not public.</summary>
    public IReadOnlyList<string> Projects { get; init; } = [];

    /// <summary>What administrators have noted of it for hosts and schedulers.</summary>
    public IReadOnlyDictionary<string, string> ExtraSpecs { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// 0, or its own <see cref="Id"/> once it is gone, as in Nova's column: the row stays, so that a start does not plant what an administrator has removed, and its
    /// id and name are free for another.
    /// </summary>
    public int Deleted { get; init; }

    /// <summary>Whether a tenant may build servers with it.</summary>
    public bool IsFor(string projectId) => IsPublic || Projects.Contains(projectId);

    /// <summary>The flavor as drivers and other documents keep it.</summary>
    public Flavor ToFlavor() => new()
    {
        Id = Id, FlavorId = FlavorId, Name = Name, MemoryMb = MemoryMb, Vcpus = Vcpus, RootGb = RootGb, EphemeralGb = EphemeralGb, Swap = Swap,
    };
}
