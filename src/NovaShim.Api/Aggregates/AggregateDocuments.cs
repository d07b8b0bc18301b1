using System.Text.Json.Serialization;

namespace NovaShim.Api.Aggregates;

/// <summary>An aggregate, with exactly Nova's keys.</summary>
internal sealed record AggregateView
{
    /// <summary>Nova's integer id.</summary>
    public required int Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The zone its hosts are, or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? AvailabilityZone { get; init; }

    /// <summary>When it was made.</summary>
    public required string CreatedAt { get; init; }

    /// <summary>When it last changed, or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? UpdatedAt { get; init; }

    /// <summary>Always null: what is gone is not shown.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? DeletedAt { get; init; }

    /// <summary>Always false, for the same reason.</summary>
    public bool Deleted { get; init; }

    /// <summary>Its hosts; not in the answer to a create.</summary>
    public IReadOnlyList<string>? Hosts { get; init; }

    /// <summary>Its metadata, the zone among it; not in the answer to a create.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

/// <summary>One aggregate.</summary>
internal sealed record AggregateEnvelope(AggregateView Aggregate);

/// <summary>Aggregates.</summary>
internal sealed record AggregatesEnvelope(IReadOnlyList<AggregateView> Aggregates);
