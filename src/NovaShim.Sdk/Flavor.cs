namespace NovaShim.Sdk;

/// <summary>A size of server (a row of Nova's <c>instance_types</c>).</summary>
public sealed record Flavor
{
    /// <summary>Nova's integer primary key (<c>instance_types.id</c>), as <c>migrations</c> refers to it.</summary>
    public required int Id { get; init; }

    /// <summary>The id that users see and send (<c>flavorRef</c>).</summary>
    public required string FlavorId { get; init; }

    /// <summary>Name, such as <c>m1.small</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Memory in MiB.</summary>
    public required int MemoryMb { get; init; }

    /// <summary>Virtual CPUs.</summary>
    public required int Vcpus { get; init; }

    /// <summary>Size of the root disk in GiB; 0 = the image's own size.</summary>
    public required int RootGb { get; init; }

    /// <summary>Size of the ephemeral disk in GiB; 0 = none.</summary>
    public int EphemeralGb { get; init; }

    /// <summary>Swap in MiB; 0 = none.</summary>
    public int Swap { get; init; }
}
