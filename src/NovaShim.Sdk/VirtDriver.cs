namespace NovaShim.Sdk;

/// <summary>
/// The contract of a hypervisor's driver, with Nova's verbs. One driver serves one host. Every method may be called again after it failed, after it
/// succeeded and after the process died half-way: it looks before it acts. A failure is an exception, best a <see cref="StepFailedException"/>.
/// </summary>
public abstract class VirtDriver : IAsyncDisposable
{
    /// <summary>Connects and checks that the host can be driven. Called again, with pauses, until it succeeds.</summary>
    public abstract Task InitHostAsync(CancellationToken cancellation);

    /// <summary>What the host has to offer.</summary>
    public abstract Task<HostStats> GetHostStatsAsync(CancellationToken cancellation);

    /// <summary>The state of a server's VM on this host, or null when it has none here.</summary>
    public abstract Task<InstanceInfo?> GetInfoAsync(Instance instance, CancellationToken cancellation);

    /// <summary>Builds and starts the server from its image, its root disk as large as the flavor says.</summary>
    public abstract Task SpawnAsync(InstanceStepContext step, CancellationToken cancellation);

    /// <summary>Stops the server's VM on this host, if any, and destroys it with its disks and snapshots. Nothing there: success.</summary>
    public abstract Task DestroyAsync(InstanceStepContext step, CancellationToken cancellation);

    /// <summary>Restarts the VM: an orderly reboot, or a reset when <paramref name="hard"/>.</summary>
    public abstract Task RebootAsync(InstanceStepContext step, bool hard, CancellationToken cancellation);

    /// <summary>
    /// At the source, before anything is copied: prepares this host to send, and returns what the destination must know to let it in (such as the
    /// public half of a key made for this one migration), as JSON of the driver's own shape.
    /// </summary>
    public virtual Task<string> PrepareMigrationSourceAsync(MigrationStepContext step, CancellationToken cancellation) => Task.FromResult("{}");

    /// <summary>
    /// At the destination, before anything is copied: makes room, lets the source in and returns where to send to, as JSON of the driver's own shape.
    /// Called again for the same migration when a copy is repeated.
    /// </summary>
    public virtual Task<string> PrepareMigrationDestinationAsync(MigrationStepContext step, CancellationToken cancellation) => Task.FromResult("{}");

    /// <summary>
    /// At the source: copies the disks while the guest runs, then stops the guest, blocks its start, and copies the rest. Returns Nova's
    /// <c>disk_info</c>: what the destination needs to rebuild and to prove the disks, as JSON of the driver's own shape. When it returns, the source VM
    /// is stopped and cannot be started by accident; nothing of it has been destroyed.
    /// </summary>
    public abstract Task<string> MigrateDiskAndPowerOffAsync(MigrationStepContext step, CancellationToken cancellation);

    /// <summary>
    /// At the destination: proves that every disk arrived whole, makes the VM with the new flavor and starts it. Everything that was needed for the copy only
    /// is gone from this host when it returns. A disk that is not the source's: <see cref="StepRecovery.CopyAgain"/>.
    /// </summary>
    public abstract Task FinishMigrationAsync(MigrationStepContext step, CancellationToken cancellation);

    /// <summary>At the source, once the user has confirmed: destroys the old VM, its disks and snapshots, and what is left of the preparation. Nothing there: success.</summary>
    public abstract Task ConfirmMigrationAsync(MigrationStepContext step, CancellationToken cancellation);

    /// <summary>
    /// At the destination: undoes all of this migration here — stops and destroys the VM with its disks, staging and keys included. Used when the user reverts and when a
    /// migration unwinds, at whatever point it failed. Nothing there: success. The source's VM and disks are never touched.
    /// </summary>
    public abstract Task RevertMigrationAsync(MigrationStepContext step, CancellationToken cancellation);

    /// <summary>
    /// At the source: undoes all of this migration here — gives the VM its name back, unblocks its start, starts it if the migration had stopped it, removes the snapshots and keys
    /// made for the copy. Used when the user reverts and when a migration unwinds, at whatever point it failed.
    /// </summary>
    public abstract Task FinishRevertMigrationAsync(MigrationStepContext step, CancellationToken cancellation);

    /// <summary>Releases connections.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
