using System.Text.Json;

namespace NovaShim.Compute.Messaging;

/// <summary>Who asked, carried by every message and every piece of work (Nova's request context).</summary>
public sealed record RequestContext
{
    /// <summary>The request's id, <c>req-</c> and a UUID.</summary>
    public required string RequestId { get; init; }

    /// <summary>The user's id.</summary>
    public string UserId { get; init; } = "";

    /// <summary>The tenant's id.</summary>
    public string ProjectId { get; init; } = "";

    /// <summary>Whether the user is an administrator.</summary>
    public bool IsAdmin { get; init; }

    /// <summary>When the request came in (UTC).</summary>
    public DateTime Timestamp { get; init; }
}

/// <summary>
/// A message as it travels: JSON <c>{"method", "args", "context", "message_id"}</c>, Nova's names. A message is a hint to look at the documents, never the truth: it may be lost, repeated, late or reordered.
/// </summary>
public sealed record Message
{
    /// <summary>What is asked for, such as <c>resize_instance</c>.</summary>
    public required string Method { get; init; }

    /// <summary>The arguments: names to strings (<c>instance_uuid</c>, <c>migration_uuid</c> …).</summary>
    public IReadOnlyDictionary<string, JsonElement> Args { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>Who asked.</summary>
    public required RequestContext Context { get; init; }

    /// <summary>The message's own id, for logs.</summary>
    public required string MessageId { get; init; }
}
