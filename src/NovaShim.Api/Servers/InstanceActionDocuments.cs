using System.Text.Json.Serialization;

namespace NovaShim.Api.Servers;

/// <summary>Something that was done to a server.</summary>
internal record InstanceActionView
{
    /// <summary>What.</summary>
    public required string Action { get; init; }

    /// <summary>To which server.</summary>
    public required string InstanceUuid { get; init; }

    /// <summary>What went wrong, or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? Message { get; init; }

    /// <summary>For which tenant.</summary>
    public required string ProjectId { get; init; }

    /// <summary>By which request.</summary>
    public required string RequestId { get; init; }

    /// <summary>When.</summary>
    public required string StartTime { get; init; }

    /// <summary>By whom.</summary>
    public required string UserId { get; init; }

    /// <summary>The steps, for administrators and only in the single action.</summary>
    public IReadOnlyList<InstanceActionEventView>? Events { get; init; }
}

/// <summary>A step of an action.</summary>
internal sealed record InstanceActionEventView
{
    /// <summary>Its name.</summary>
    public required string Event { get; init; }

    /// <summary>When it began.</summary>
    public required string StartTime { get; init; }

    /// <summary>When it ended, or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? FinishTime { get; init; }

    /// <summary><c>Success</c>, <c>Error</c> or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? Result { get; init; }

    /// <summary>What went wrong, or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? Traceback { get; init; }
}

/// <summary>A server's actions.</summary>
internal sealed record InstanceActionsEnvelope([property: JsonPropertyName("instanceActions")] IReadOnlyList<InstanceActionView> InstanceActions);

/// <summary>One of them.</summary>
internal sealed record InstanceActionEnvelope([property: JsonPropertyName("instanceAction")] InstanceActionView InstanceAction);

/// <summary>Something that was done to a server, as 2011 showed it.</summary>
internal sealed record LegacyActionView(string CreatedAt, string Action, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Error);

/// <summary>All that was done to a server, as 2011 showed it.</summary>
internal sealed record LegacyActionsEnvelope(IReadOnlyList<LegacyActionView> Actions);
