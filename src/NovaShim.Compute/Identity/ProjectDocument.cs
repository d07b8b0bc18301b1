using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Identity;

/// <summary>A tenant. The key is its id. All tenants are in the one domain there is.</summary>
public sealed record ProjectDocument : Document
{
    /// <summary>The name; no other tenant has it.</summary>
    public required string Name { get; init; }

    /// <summary>A description.</summary>
    public string Description { get; init; } = "";

    /// <summary>Whether anybody may use it.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Whether the configuration names it.</summary>
    public bool Configured { get; init; }
}
