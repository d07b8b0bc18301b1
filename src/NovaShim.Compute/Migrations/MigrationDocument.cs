using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Migrations;

/// <summary>A row of Nova's <c>migrations</c>, with Nova's columns, and one sub-document of our own: the saga.</summary>
public sealed record MigrationDocument : Document
{
    /// <summary>Nova's integer id.</summary>
    public required int Id { get; init; }

    /// <summary>The migration's UUID; the same as <see cref="Document.Key"/>.</summary>
    public required string Uuid { get; init; }

    /// <summary>The server.</summary>
    public required string InstanceUuid { get; init; }

    /// <summary>The host the server is on when the migration begins.</summary>
    public required string SourceCompute { get; init; }

    /// <summary>The host it goes to; null until one is chosen.</summary>
    public string? DestCompute { get; init; }

    /// <summary>The address of the destination.</summary>
    public string? DestHost { get; init; }

    /// <summary>The source's node at its hypervisor.</summary>
    public string? SourceNode { get; init; }

    /// <summary>The destination's node.</summary>
    public string? DestNode { get; init; }

    /// <summary>The flavor to go back to, by its integer id.</summary>
    public required int OldInstanceTypeId { get; init; }

    /// <summary>The flavor to arrive with, by its integer id.</summary>
    public required int NewInstanceTypeId { get; init; }

    /// <summary>One of <see cref="MigrationStatus"/>.</summary>
    public required string Status { get; init; }

    /// <summary><c>resize</c> or <c>migration</c>.</summary>
    public required string MigrationType { get; init; }

    /// <summary>Whether an operator has removed the row from view.</summary>
    public bool Deleted { get; init; }

    /// <summary>When that was (UTC).</summary>
    public DateTime? DeletedAt { get; init; }

    /// <summary>What is next, who must do it, and what the steps have left for one another.</summary>
    public required Saga Saga { get; init; }
}

/// <summary>The state of the migration's saga: Nova has no such column.</summary>
public sealed record Saga : WorkItem
{
    /// <summary>The flavor to go back to, whole: a flavor may be deleted while a migration runs.</summary>
    public required Flavor OldFlavor { get; init; }

    /// <summary>The flavor to arrive with, whole.</summary>
    public required Flavor NewFlavor { get; init; }

    /// <summary>
    /// The vm_state to come to rest in, at whichever host (Nova's <c>old_vm_state</c>): <see cref="VmStates.Active"/>, or <see cref="VmStates.Stopped"/> for a server that was shut down, and then is so throughout.
    /// </summary>
    public string OldVmState { get; init; } = VmStates.Active;

    /// <summary>The hosts that have refused the server so far.</summary>
    public IReadOnlyList<string> RefusedBy { get; init; } = [];

    /// <summary>What the source handed over for the destination (JSON); null before.</summary>
    public string? SourceOffer { get; init; }

    /// <summary>What the destination handed over for the source (JSON); null before.</summary>
    public string? DestinationOffer { get; init; }

    /// <summary>Nova's <c>disk_info</c> (JSON): what the destination needs to rebuild and prove the disks; null before.</summary>
    public string? DiskInfo { get; init; }

    /// <summary>How often the copy had to be repeated because the destination had not what the source has.</summary>
    public int CopiedAgain { get; init; }

    /// <summary>How far the migration is.</summary>
    public MigrationProgress Progress { get; init; } = new();

    /// <summary>Why the migration failed, or a confirm was not obeyed, for people; null otherwise.</summary>
    public string? Fault { get; init; }

    /// <summary>What it is queued for, for people; null when it is not.</summary>
    public string? Waiting { get; init; }

    /// <summary>What was asked to happen instead of the copy going on; null: nothing.</summary>
    public string? AbortReason { get; init; }

    /// <summary>The work still to be undone after the present step, in order; empty unless the migration unwinds.</summary>
    public IReadOnlyList<string> Unwinding { get; init; } = [];
}

/// <summary>Values of <see cref="MigrationDocument.Status"/>, Nova's words.</summary>
public static class MigrationStatus
{
    /// <summary>Accepted, no host chosen yet.</summary>
    public const string Queued = "queued";

    /// <summary>A destination has claimed its resources.</summary>
    public const string PreMigrating = "pre-migrating";

    /// <summary>The source copies.</summary>
    public const string Migrating = "migrating";

    /// <summary>Copied; the destination rebuilds.</summary>
    public const string PostMigrating = "post-migrating";

    /// <summary>To be verified by the user.</summary>
    public const string Finished = "finished";

    /// <summary>The source is being destroyed.</summary>
    public const string Confirming = "confirming";

    /// <summary>Confirmed: the end.</summary>
    public const string Confirmed = "confirmed";

    /// <summary>The destination is being destroyed.</summary>
    public const string Reverting = "reverting";

    /// <summary>Reverted: the end.</summary>
    public const string Reverted = "reverted";

    /// <summary>Failed: unwinding, or the end.</summary>
    public const string Error = "error";
}
