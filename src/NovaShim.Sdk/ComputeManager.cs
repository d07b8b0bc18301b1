namespace NovaShim.Sdk;

/// <summary>
/// What a plugin exports: one virtual handler per message of the control plane. The handlers here call the <see cref="VirtDriver"/>, which is all that
/// most plugins write; a plugin may override a whole handler. The control plane owns the documents, the order of the steps, leases, undo and retries,
/// and calls the handler of the step that is due.
/// </summary>
public abstract class ComputeManager(VirtDriver driver) : IAsyncDisposable
{
    /// <summary>The host's driver.</summary>
    public VirtDriver Driver { get; } = driver;

    /// <summary>Nova's <c>init_host</c>.</summary>
    public virtual Task InitHostAsync(CancellationToken cancellation) => Driver.InitHostAsync(cancellation);

    /// <summary>Nova's <c>get_host_stats</c>.</summary>
    public virtual Task<HostStats> GetHostStatsAsync(CancellationToken cancellation) => Driver.GetHostStatsAsync(cancellation);

    /// <summary>Nova's <c>get_info</c>.</summary>
    public virtual Task<InstanceInfo?> GetInfoAsync(Instance instance, CancellationToken cancellation) => Driver.GetInfoAsync(instance, cancellation);

    /// <summary>Nova's <c>list_instances_detail</c>, of the servers named.</summary>
    public virtual Task<IReadOnlyDictionary<string, InstanceInfo>> GetInfosAsync(IReadOnlyCollection<Instance> instances, CancellationToken cancellation) => Driver.GetInfosAsync(instances, cancellation);

    /// <summary>Message <c>run_instance</c>.</summary>
    public virtual Task RunInstanceAsync(InstanceStepContext step, CancellationToken cancellation) => Driver.SpawnAsync(step, cancellation);

    /// <summary>Message <c>terminate_instance</c>.</summary>
    public virtual Task TerminateInstanceAsync(InstanceStepContext step, CancellationToken cancellation) => Driver.DestroyAsync(step, cancellation);

    /// <summary>Message <c>reboot_instance</c>.</summary>
    public virtual Task RebootInstanceAsync(InstanceStepContext step, bool hard, CancellationToken cancellation) => Driver.RebootAsync(step, hard, cancellation);

    /// <summary>Message <c>stop_instance</c>.</summary>
    public virtual Task StopInstanceAsync(InstanceStepContext step, CancellationToken cancellation) => Driver.PowerOffAsync(step, cancellation);

    /// <summary>Message <c>start_instance</c>.</summary>
    public virtual Task StartInstanceAsync(InstanceStepContext step, CancellationToken cancellation) => Driver.PowerOnAsync(step, cancellation);

    /// <summary>Message <c>pause_instance</c>.</summary>
    public virtual Task PauseInstanceAsync(InstanceStepContext step, CancellationToken cancellation) => Driver.PauseAsync(step, cancellation);

    /// <summary>Message <c>unpause_instance</c>.</summary>
    public virtual Task UnpauseInstanceAsync(InstanceStepContext step, CancellationToken cancellation) => Driver.UnpauseAsync(step, cancellation);

    /// <summary>Message <c>suspend_instance</c>.</summary>
    public virtual Task SuspendInstanceAsync(InstanceStepContext step, CancellationToken cancellation) => Driver.SuspendAsync(step, cancellation);

    /// <summary>Message <c>resume_instance</c>.</summary>
    public virtual Task ResumeInstanceAsync(InstanceStepContext step, CancellationToken cancellation) => Driver.ResumeAsync(step, cancellation);

    /// <summary>Message <c>rescue_instance</c>.</summary>
    public virtual Task RescueInstanceAsync(InstanceStepContext step, CancellationToken cancellation) => Driver.RescueAsync(step, cancellation);

    /// <summary>Message <c>unrescue_instance</c>.</summary>
    public virtual Task UnrescueInstanceAsync(InstanceStepContext step, CancellationToken cancellation) => Driver.UnrescueAsync(step, cancellation);

    /// <summary>Message <c>rebuild_instance</c>.</summary>
    public virtual Task RebuildInstanceAsync(InstanceStepContext step, CancellationToken cancellation) => Driver.RebuildAsync(step, cancellation);

    /// <summary>Message <c>snapshot_instance</c>; also the first half of <c>shelve_instance</c>.</summary>
    public virtual Task<SnapshotInfo> SnapshotInstanceAsync(InstanceStepContext step, ImageTarget image, CancellationToken cancellation) => Driver.SnapshotAsync(step, image, cancellation);

    /// <summary>Message <c>set_admin_password</c>.</summary>
    public virtual Task SetAdminPasswordAsync(InstanceStepContext step, CancellationToken cancellation) => Driver.SetAdminPasswordAsync(step, cancellation);

    /// <summary>Message <c>inject_file</c>.</summary>
    public virtual Task InjectFileAsync(InstanceStepContext step, InjectedFile file, CancellationToken cancellation) => Driver.InjectFileAsync(step, file, cancellation);

    /// <summary>Message <c>inject_network_info</c>.</summary>
    public virtual Task InjectNetworkInfoAsync(InstanceStepContext step, CancellationToken cancellation) => Driver.InjectNetworkInfoAsync(step, cancellation);

    /// <summary>Message <c>reset_network</c>.</summary>
    public virtual Task ResetNetworkAsync(InstanceStepContext step, CancellationToken cancellation) => Driver.ResetNetworkAsync(step, cancellation);

    /// <summary>Message <c>get_console_output</c>, answered.</summary>
    public virtual Task<string> GetConsoleOutputAsync(Instance instance, CancellationToken cancellation) => Driver.GetConsoleOutputAsync(instance, cancellation);

    /// <summary>Message <c>get_diagnostics</c>, answered.</summary>
    public virtual Task<IReadOnlyDictionary<string, double>> GetDiagnosticsAsync(Instance instance, CancellationToken cancellation) => Driver.GetDiagnosticsAsync(instance, cancellation);

    /// <summary>Message <c>prep_source</c>, at the source. Returns the source's offer.</summary>
    public virtual Task<string> PrepSourceAsync(MigrationStepContext step, CancellationToken cancellation) => Driver.PrepareMigrationSourceAsync(step, cancellation);

    /// <summary>Message <c>prep_resize</c>, at the destination. Returns the destination's offer.</summary>
    public virtual Task<string> PrepResizeAsync(MigrationStepContext step, CancellationToken cancellation) => Driver.PrepareMigrationDestinationAsync(step, cancellation);

    /// <summary>Message <c>resize_instance</c>, at the source. Returns <c>disk_info</c>.</summary>
    public virtual Task<string> ResizeInstanceAsync(MigrationStepContext step, CancellationToken cancellation) => Driver.MigrateDiskAndPowerOffAsync(step, cancellation);

    /// <summary>Message <c>finish_resize</c>, at the destination.</summary>
    public virtual Task FinishResizeAsync(MigrationStepContext step, CancellationToken cancellation) => Driver.FinishMigrationAsync(step, cancellation);

    /// <summary>Message <c>prep_confirm</c>, at the destination: is there what the user has confirmed?</summary>
    public virtual Task PrepConfirmAsync(MigrationStepContext step, CancellationToken cancellation) => Driver.CheckMigrationAsync(step, cancellation);

    /// <summary>Message <c>confirm_resize</c>, at the source.</summary>
    public virtual Task ConfirmResizeAsync(MigrationStepContext step, CancellationToken cancellation) => Driver.ConfirmMigrationAsync(step, cancellation);

    /// <summary>Message <c>revert_resize</c>, at the destination; also the undo of what was done there.</summary>
    public virtual Task RevertResizeAsync(MigrationStepContext step, CancellationToken cancellation) => Driver.RevertMigrationAsync(step, cancellation);

    /// <summary>Message <c>finish_revert_resize</c>, at the source; also the undo of what was done there.</summary>
    public virtual Task FinishRevertResizeAsync(MigrationStepContext step, CancellationToken cancellation) => Driver.FinishRevertMigrationAsync(step, cancellation);

    /// <summary>Releases the driver.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Driver.DisposeAsync();
    }
}
