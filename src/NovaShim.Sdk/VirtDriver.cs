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

    /// <summary>
    /// The states of servers' VMs on this host by the servers' UUIDs, without those that have none here (as Nova's <c>list_instances_detail</c>, of the servers named). Asked at intervals for all servers of the host: a driver
    /// whose hypervisor can tell of many at once overrides it.
    /// </summary>
    public virtual async Task<IReadOnlyDictionary<string, InstanceInfo>> GetInfosAsync(IReadOnlyCollection<Instance> instances, CancellationToken cancellation)
    {
        var infos = new Dictionary<string, InstanceInfo>();
        foreach (var instance in instances)
        {
            if (await GetInfoAsync(instance, cancellation) is { } info)
            {
                infos[instance.Uuid] = info;
            }
        }

        return infos;
    }

    /// <summary>Whether servers that are built or rebuilt on this host get a config drive even where <see cref="Instance.ConfigDrive"/> is false; they show it from then on (Nova's <c>force_config_drive</c>).</summary>
    public virtual bool ForcesConfigDrive => false;

    /// <summary>Builds and starts the server from its image, its root disk as large as the flavor says.</summary>
    public abstract Task SpawnAsync(InstanceStepContext step, CancellationToken cancellation);

    /// <summary>Stops the server's VM on this host, if any, and destroys it with its disks and snapshots. Nothing there: success.</summary>
    public abstract Task DestroyAsync(InstanceStepContext step, CancellationToken cancellation);

    /// <summary>
    /// Restarts the VM: an orderly reboot, or a reset when <paramref name="hard"/>. A hard one also brings a VM up that is shut down, paused, suspended or crashed: it runs when this returns.
    /// </summary>
    public abstract Task RebootAsync(InstanceStepContext step, bool hard, CancellationToken cancellation);

    /// <summary>Shuts the VM down: in an orderly way, and hard when the guest does not heed it in time. It keeps its disks. Shut down already: success.</summary>
    public virtual Task PowerOffAsync(InstanceStepContext step, CancellationToken cancellation) => throw new VerbNotSupportedException("power_off");

    /// <summary>Starts the VM that was shut down. Running already: success.</summary>
    public virtual Task PowerOnAsync(InstanceStepContext step, CancellationToken cancellation) => throw new VerbNotSupportedException("power_on");

    /// <summary>Stops the VM's clock; it keeps its memory. Paused already: success.</summary>
    public virtual Task PauseAsync(InstanceStepContext step, CancellationToken cancellation) => throw new VerbNotSupportedException("pause");

    /// <summary>Lets a paused VM go on. Running already: success.</summary>
    public virtual Task UnpauseAsync(InstanceStepContext step, CancellationToken cancellation) => throw new VerbNotSupportedException("unpause");

    /// <summary>Writes the VM's memory to disk and gives it back to the host. Suspended already: success.</summary>
    public virtual Task SuspendAsync(InstanceStepContext step, CancellationToken cancellation) => throw new VerbNotSupportedException("suspend");

    /// <summary>Lets a suspended VM go on where it was. Running already: success.</summary>
    public virtual Task ResumeAsync(InstanceStepContext step, CancellationToken cancellation) => throw new VerbNotSupportedException("resume");

    /// <summary>
    /// Shuts the server's VM down, blocks its start, and starts another in its place, from <see cref="InstanceStepContext.Image"/>, that has the server's root disk as a second disk and the server's addresses.
    /// <see cref="InstanceStepContext.AdminPassword"/> is the one to set in it. Until <see cref="UnrescueAsync"/> the other verbs mean the rescue VM, except <see cref="DestroyAsync"/>, which
    /// destroys both. Rescued already: success.
    /// </summary>
    public virtual Task RescueAsync(InstanceStepContext step, CancellationToken cancellation) => throw new VerbNotSupportedException("rescue");

    /// <summary>Destroys the rescue VM with its own disks, never the server's, and starts the server's VM again. Not rescued: sees to it that the server's VM runs.</summary>
    public virtual Task UnrescueAsync(InstanceStepContext step, CancellationToken cancellation) => throw new VerbNotSupportedException("unrescue");

    /// <summary>
    /// Replaces the server's disks by new ones from <see cref="InstanceStepContext.Image"/>, as large as the flavor says, and starts it, whatever state it was in; addresses stay. What was on the disks is lost.
    /// A second run may begin from scratch, or go on with what the first has made. Unless a driver knows better: <see cref="DestroyAsync"/>, then <see cref="SpawnAsync"/>.
    /// </summary>
    public virtual async Task RebuildAsync(InstanceStepContext step, CancellationToken cancellation)
    {
        await DestroyAsync(step, cancellation);
        await SpawnAsync(step, cancellation);
    }

    /// <summary>
    /// Writes the server's root disk, as it is at one moment, to an image (Nova's <c>createImage</c>). The guest may run, be shut down, paused or suspended, and stays so. A second run writes again from the start; what the
    /// driver made on the host for the snapshot only is gone when this returns.
    /// </summary>
    public virtual Task<SnapshotInfo> SnapshotAsync(InstanceStepContext step, ImageTarget image, CancellationToken cancellation) => throw new VerbNotSupportedException("snapshot");

    /// <summary>Sets the password of the guest's administrator to <see cref="InstanceStepContext.AdminPassword"/>. Never log it.</summary>
    public virtual Task SetAdminPasswordAsync(InstanceStepContext step, CancellationToken cancellation) => throw new VerbNotSupportedException("set_admin_password");

    /// <summary>Puts a file into the running guest, replacing what was there.</summary>
    public virtual Task InjectFileAsync(InstanceStepContext step, InjectedFile file, CancellationToken cancellation) => throw new VerbNotSupportedException("inject_file");

    /// <summary>Tells the VM its addresses (on XenServer: in XenStore), for the guest to read at its next chance.</summary>
    public virtual Task InjectNetworkInfoAsync(InstanceStepContext step, CancellationToken cancellation) => throw new VerbNotSupportedException("inject_network_info");

    /// <summary>Has the running guest set its network up anew.</summary>
    public virtual Task ResetNetworkAsync(InstanceStepContext step, CancellationToken cancellation) => throw new VerbNotSupportedException("reset_network");

    /// <summary>What the guest has written to its console, oldest first, as far as it is kept; empty when nothing is.</summary>
    public virtual Task<string> GetConsoleOutputAsync(Instance instance, CancellationToken cancellation) => throw new VerbNotSupportedException("get_console_output");

    /// <summary>Figures of the running VM under names of the hypervisor's own, such as <c>cpu0_time</c> or <c>memory</c>.</summary>
    public virtual Task<IReadOnlyDictionary<string, double>> GetDiagnosticsAsync(Instance instance, CancellationToken cancellation) => throw new VerbNotSupportedException("get_diagnostics");

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
    /// At the destination: proves that every disk arrived whole, makes the VM with the new flavor and, unless <see cref="Migration.PowerOn"/> is false, starts it. Everything that was needed for the copy only
    /// is gone from this host when it returns. A disk that is not the source's: <see cref="StepRecovery.CopyAgain"/>.
    /// </summary>
    public abstract Task FinishMigrationAsync(MigrationStepContext step, CancellationToken cancellation);

    /// <summary>
    /// At the destination, once the user has confirmed and before anything is destroyed at the source: fails with <see cref="StepRecovery.Unwind"/> unless the migrated VM is here with all its
    /// disks, running or not. Changes nothing.
    /// </summary>
    public virtual async Task CheckMigrationAsync(MigrationStepContext step, CancellationToken cancellation)
    {
        if (await GetInfoAsync(step.Instance, cancellation) is null)
        {
            throw new StepFailedException($"Host {step.Migration.DestCompute} has no VM of server {step.Instance.Uuid} (any more).", StepRecovery.Unwind);
        }
    }

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
