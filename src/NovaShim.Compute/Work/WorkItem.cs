using NovaShim.Compute.Messaging;

namespace NovaShim.Compute.Work;

/// <summary>The right to work on a step: whoever holds it renews it while working; whoever finds it expired may take it.</summary>
/// <param name="Owner">The process that holds it, by an id made at its start.</param>
/// <param name="ExpiresAt">Until when (UTC).</param>
public sealed record Lease(string Owner, DateTime ExpiresAt);

/// <summary>
/// What is to be done next with a document, and by whom. The document is the truth: a process that finds work due with itself as the actor does it, whether a message told it or not.
/// </summary>
public abstract record WorkItem
{
    /// <summary>The step that is next or being done.</summary>
    public required string Step { get; init; }

    /// <summary>Who must take it: a host's name, or <see cref="Actors.Scheduler"/>; null when nothing is to be done.</summary>
    public string? Actor { get; init; }

    /// <summary>Not before this moment (UTC).</summary>
    public DateTime DueAt { get; init; }

    /// <summary>Who is doing it now, if anybody.</summary>
    public Lease? Lease { get; init; }

    /// <summary>When somebody first took this step (UTC); null: nothing of it has been begun, by anybody.</summary>
    public DateTime? BegunAt { get; init; }

    /// <summary>How often this step has been begun and failed.</summary>
    public int Attempts { get; init; }

    /// <summary>What the last failure said; null when there was none.</summary>
    public string? Error { get; init; }

    /// <summary>The step's own durable note (JSON), which only the handler of the step understands; null at a step's first run.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>Who asked for the work.</summary>
    public required RequestContext Context { get; init; }

    /// <summary>Whether somebody has the right to work on it at this moment.</summary>
    internal bool IsLeased(DateTime now) => Lease is not null && Lease.ExpiresAt > now;
}

/// <summary>Actors that are not hosts. A host cannot be called so: host names in a configuration must not contain <c>@</c>.</summary>
public static class Actors
{
    /// <summary>Any scheduler.</summary>
    public const string Scheduler = "@scheduler";
}
