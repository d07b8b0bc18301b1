using NovaShim.Compute.Documents;

namespace NovaShim.Compute.ServerGroups;

/// <summary>Servers that are to be on one host, or each on another: a row of Nova's <c>instance_groups</c>. Its key is its UUID; its members are the servers whose hints name it.</summary>
public sealed record ServerGroupDocument : Document
{
    /// <summary>All on one host.</summary>
    public const string Affinity = "affinity";

    /// <summary>Each on another.</summary>
    public const string AntiAffinity = "anti-affinity";

    /// <summary>Its name; others may have the same.</summary>
    public required string Name { get; init; }

    /// <summary>The tenant it belongs to.</summary>
    public required string ProjectId { get; init; }

    /// <summary>The user who made it.</summary>
    public required string UserId { get; init; }

    /// <summary><see cref="Affinity"/> or <see cref="AntiAffinity"/>.</summary>
    public required string Policy { get; init; }

    /// <summary>
    /// The host chosen for a member, by its UUID. It counts while the member's own document does not say it yet: who chooses writes it by compare-and-set, so that two who choose at once know of each other.
    /// </summary>
    public IReadOnlyDictionary<string, string> Placements { get; init; } = new Dictionary<string, string>();
}
