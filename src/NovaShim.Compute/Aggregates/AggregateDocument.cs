using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Aggregates;

/// <summary>Hosts that an operator has put together: a row of Nova's <c>aggregates</c>, with its hosts and metadata. One whose metadata names an availability zone makes its hosts that zone.</summary>
public sealed record AggregateDocument : Document
{
    /// <summary>The item of the metadata that names the zone.</summary>
    public const string ZoneKey = "availability_zone";

    /// <summary>Nova's integer id.</summary>
    public required int Id { get; init; }

    /// <summary>Its name; no two have the same.</summary>
    public required string Name { get; init; }

    /// <summary>Its hosts, in the order in which they were added.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>What the operator has noted, the zone among it.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>The availability zone that its hosts are, or null.</summary>
    public string? Zone() => Metadata.GetValueOrDefault(ZoneKey);
}
