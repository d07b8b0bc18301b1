using System.Text.Json.Serialization;

namespace NovaShim.Api.Migrations;

/// <summary>A migration, with exactly the keys of Nova's extension: none is ever left out.</summary>
internal sealed record MigrationView
{
    /// <summary>Nova's integer id.</summary>
    public required int Id { get; init; }

    /// <summary>Nova's word for how far it is.</summary>
    public required string Status { get; init; }

    /// <summary>The server.</summary>
    public required string InstanceUuid { get; init; }

    /// <summary>The source's node.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? SourceNode { get; init; }

    /// <summary>The source.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? SourceCompute { get; init; }

    /// <summary>The destination's node.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? DestNode { get; init; }

    /// <summary>The destination.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? DestCompute { get; init; }

    /// <summary>The destination's address.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? DestHost { get; init; }

    /// <summary>The flavor before, by its integer id.</summary>
    public required int OldInstanceTypeId { get; init; }

    /// <summary>The flavor after, by its integer id.</summary>
    public required int NewInstanceTypeId { get; init; }

    /// <summary>When it was asked for.</summary>
    public required string CreatedAt { get; init; }

    /// <summary>When it last changed, or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? UpdatedAt { get; init; }
}

/// <summary>Migrations.</summary>
internal sealed record MigrationsEnvelope(IReadOnlyList<MigrationView> Migrations);
