using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Hosts;

/// <summary>A service and its heartbeat: a row of Nova's <c>services</c>.</summary>
public sealed record ServiceDocument : Document
{
    /// <summary>Nova's integer id.</summary>
    public required int Id { get; init; }

    /// <summary>Where it runs.</summary>
    public required string Host { get; init; }

    /// <summary><c>nova-compute</c>, <c>nova-scheduler</c> or <c>nova-api</c>.</summary>
    public required string Binary { get; init; }

    /// <summary>Where it listens: <c>compute</c>, <c>scheduler</c>.</summary>
    public required string Topic { get; init; }

    /// <summary>How many heartbeats it has sent.</summary>
    public long ReportCount { get; init; }

    /// <summary>Its last heartbeat (UTC).</summary>
    public DateTime LastSeenUp { get; init; }

    /// <summary>Whether an operator keeps new work from it.</summary>
    public bool Disabled { get; init; }

    /// <summary>Why.</summary>
    public string? DisabledReason { get; init; }
}
