namespace NovaShim.XenServerSimulator.Storage;

/// <summary>How one storage repository behaves over time.</summary>
internal sealed record StorageOptions
{
    /// <summary>Time between what kicks the garbage collector (scan, destroy, opening) and its run.</summary>
    public TimeSpan CoalesceDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What the SR's other_config <c>coalesce</c> says: merge a base copy into its parent when that has no other child.</summary>
    public bool Coalesce { get; init; } = true;

    /// <summary>What the SR's other_config <c>leaf-coalesce</c> says: merge a visible leaf into its parent when it is that parent's only child.</summary>
    public bool LeafCoalesce { get; init; } = true;

    /// <summary>Asked before each step of the garbage collector, because the SR's other_config may be changed at any time; null: as written here.</summary>
    public Func<StorageOptions, StorageOptions>? Now { get; init; }

    /// <summary>A leaf whose file is bigger than this (bytes) is not merged into its parent.</summary>
    public long LeafCoalesceLimit { get; init; } = 20L << 20;

    /// <summary>Called between the steps of whatever changes several files, with the step's name; what the directory holds then is what a kill leaves.</summary>
    public Action<string>? BetweenSteps { get; init; }
}
