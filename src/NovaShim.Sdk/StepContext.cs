using System.Text.Json.Serialization.Metadata;

namespace NovaShim.Sdk;

/// <summary>
/// What a handler is given for one step of work: the server, a durable note of its own, and a token. A step runs under a lease; it may be run
/// again after a crash, by this process or another, and must then find what the first run did: through the checkpoint, and through the marks it
/// left on the objects it made.
/// </summary>
public abstract class StepContext
{
    /// <summary>The server concerned, as it stood when the step began.</summary>
    public required Instance Instance { get; init; }

    /// <summary>The id of the request that caused the work (<c>req-…</c>), for logs.</summary>
    public required string RequestId { get; init; }

    /// <summary>
    /// What this step saved last, or null. A checkpoint belongs to one step of one migration on one host; no other step sees it.
    /// </summary>
    public abstract T? Checkpoint<T>(JsonTypeInfo<T> type) where T : class;

    /// <summary>
    /// Saves the step's note durably before it returns. Throws <see cref="LeaseLostException"/> when another process has taken the step over; the
    /// handler must then stop before its next side effect.
    /// </summary>
    public abstract Task SaveCheckpointAsync<T>(T checkpoint, JsonTypeInfo<T> type, CancellationToken cancellation) where T : class;
}

/// <summary>The context of a step of a migration.</summary>
public abstract class MigrationStepContext : StepContext
{
    /// <summary>The migration.</summary>
    public required Migration Migration { get; init; }

    /// <summary>What the source host handed over in <see cref="VirtDriver.PrepareMigrationSourceAsync"/>; null before. JSON of the driver's own shape, no secrets.</summary>
    public string? SourceOffer { get; init; }

    /// <summary>What the destination handed over in <see cref="VirtDriver.PrepareMigrationDestinationAsync"/>; null before. JSON of the driver's own shape, no secrets.</summary>
    public string? DestinationOffer { get; init; }

    /// <summary>What <see cref="VirtDriver.MigrateDiskAndPowerOffAsync"/> returned (Nova's <c>disk_info</c>); null before. JSON of the driver's own shape.</summary>
    public string? DiskInfo { get; init; }

    /// <summary>The most that the migration may send over the network, in KiB per second; 0 = no limit. A driver with a limit of its own keeps the lower one.</summary>
    public int BandwidthLimit { get; init; }

    /// <summary>The figures reported so far.</summary>
    public abstract MigrationProgress Progress { get; }

    /// <summary>
    /// How the server's VM stands at the source just now, as its host says; null when it has none or does not say so in time. For the destination, right before it starts its own: the source was stopped and its start
    /// blocked, but somebody may have lifted the block by hand and started it.
    /// </summary>
    public virtual Task<PowerState?> AskSourceAsync(CancellationToken cancellation) => Task.FromResult<PowerState?>(null);

    /// <summary>
    /// Reports how far the copy is. Cheap to call often: figures are stored at most a few times a second, and always at the end of the step.
    /// </summary>
    public abstract void Report(Func<MigrationProgress, MigrationProgress> change);
}

/// <summary>The context of a step of a server's life that is no migration: build, destroy, stop, rescue …</summary>
public abstract class InstanceStepContext : StepContext
{
    /// <summary>The image to build from: the server's for a build or rebuild, the one to rescue with for a rescue; null for steps that need none.</summary>
    public Image? Image { get; init; }

    /// <summary>The password of the guest's administrator, where one is to be set: build, rebuild, rescue and change of password. Null for other steps. Never log it, nor save it in a checkpoint.</summary>
    public string? AdminPassword { get; init; }

    /// <summary>Files to be found in the guest's file system after a build or rebuild. A driver that cannot put them there builds without them, as Nova's do.</summary>
    public IReadOnlyList<InjectedFile> InjectedFiles { get; init; } = [];
}
