using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Servers;

/// <summary>Something a user did to a server, and how it went (a row of Nova's <c>instance_actions</c>).</summary>
public sealed record InstanceActionDocument : Document
{
    /// <summary>The server.</summary>
    public required string InstanceUuid { get; init; }

    /// <summary>The action's name: <c>create</c>, <c>resize</c>, <c>confirmResize</c> …</summary>
    public required string Action { get; init; }

    /// <summary>The request's id.</summary>
    public required string RequestId { get; init; }

    /// <summary>Who asked.</summary>
    public string UserId { get; init; } = "";

    /// <summary>For which tenant.</summary>
    public string ProjectId { get; init; } = "";

    /// <summary>When (UTC).</summary>
    public DateTime StartTime { get; init; }

    /// <summary>What went wrong, null when nothing did.</summary>
    public string? Message { get; init; }

    /// <summary>What was done, in order.</summary>
    public IReadOnlyList<InstanceActionEvent> Events { get; init; } = [];
}

/// <summary>One step of an action (a row of Nova's <c>instance_actions_events</c>).</summary>
/// <param name="Event">The step's name, such as <c>compute_resize_instance</c>.</param>
/// <param name="Host">Where.</param>
/// <param name="StartTime">When it began (UTC).</param>
/// <param name="FinishTime">When it ended (UTC); null while it runs.</param>
/// <param name="Result"><c>Success</c> or <c>Error</c>; null while it runs.</param>
/// <param name="Details">What went wrong, for the operator.</param>
public sealed record InstanceActionEvent(string Event, string Host, DateTime StartTime, DateTime? FinishTime, string? Result, string? Details);
