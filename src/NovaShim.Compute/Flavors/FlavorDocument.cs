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

    /// <summary>The flavor as drivers and other documents keep it.</summary>
    public Flavor ToFlavor() => new()
    {
        Id = Id, FlavorId = FlavorId, Name = Name, MemoryMb = MemoryMb, Vcpus = Vcpus, RootGb = RootGb, EphemeralGb = EphemeralGb, Swap = Swap,
    };
}
