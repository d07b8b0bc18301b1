namespace NovaShim.Sdk;

/// <summary>A resize or cold migration of one server between two hosts (a row of Nova's <c>migrations</c>).</summary>
public sealed record Migration
{
    /// <summary>The migration's UUID. Objects that a driver makes on a host carry it, so that a second run finds them.</summary>
    public required string Uuid { get; init; }

    /// <summary>The migrated server.</summary>
    public required string InstanceUuid { get; init; }

    /// <summary>The host the server was on when the migration began.</summary>
    public required string SourceCompute { get; init; }

    /// <summary>The host it goes to.</summary>
    public required string DestCompute { get; init; }

    /// <summary>The flavor to go back to.</summary>
    public required Flavor OldFlavor { get; init; }

    /// <summary>The flavor to arrive with; the same as <see cref="OldFlavor"/> in a plain migration.</summary>
    public required Flavor NewFlavor { get; init; }

    /// <summary>Whether the guest runs at the end (Nova's <c>power_on</c>): false for a server that was shut down when the migration began. It is then shut down throughout, at both hosts.</summary>
    public bool PowerOn { get; init; } = true;
}
