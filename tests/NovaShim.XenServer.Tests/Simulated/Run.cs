using NovaShim.Sdk;

namespace NovaShim.XenServer.Tests.Simulated;

/// <summary>One migration's steps in the control plane's order, handing on what each returns.</summary>
internal sealed class Run(TwoHosts hosts, Migration migration, Instance instance)
{
    private MigrationProgress _progress = new();

    public Migration Migration => migration;

    public string? SourceOffer { get; set; }

    public string? DestinationOffer { get; set; }

    public string? DiskInfo { get; set; }

    public MigrationProgress Progress => _progress;

    public string Staging => Path.Combine(hosts.Destination.SrPath, "novashim-" + migration.Uuid);

    /// <summary>The context of the next step.</summary>
    public TestMigrationStep Step()
    {
        var step = new TestMigrationStep { Instance = instance, RequestId = "req-test", Migration = migration, SourceOffer = SourceOffer, DestinationOffer = DestinationOffer, DiskInfo = DiskInfo };
        step.Report(_ => _progress);
        return step;
    }

    public async Task PrepareAsync()
    {
        SourceOffer = await hosts.SourceDriver.PrepareMigrationSourceAsync(Step(), CancellationToken.None);
        DestinationOffer = await hosts.DestinationDriver.PrepareMigrationDestinationAsync(Step(), CancellationToken.None);
    }

    public async Task<TestMigrationStep> CopyAsync(TestMigrationStep? step = null)
    {
        step ??= Step();
        DiskInfo = await hosts.SourceDriver.MigrateDiskAndPowerOffAsync(step, CancellationToken.None);
        _progress = step.Progress;
        return step;
    }

    public async Task<TestMigrationStep> FinishAsync(TestMigrationStep? step = null)
    {
        step ??= Step();
        await hosts.DestinationDriver.FinishMigrationAsync(step, CancellationToken.None);
        _progress = step.Progress;
        return step;
    }

    /// <summary>Up to VERIFY_RESIZE.</summary>
    public async Task ForwardAsync()
    {
        await PrepareAsync();
        await CopyAsync();
        await FinishAsync();
    }

    public Task ConfirmAsync() => hosts.SourceDriver.ConfirmMigrationAsync(Step(), CancellationToken.None);

    public async Task RevertAsync()
    {
        await hosts.DestinationDriver.RevertMigrationAsync(Step(), CancellationToken.None);
        await hosts.SourceDriver.FinishRevertMigrationAsync(Step(), CancellationToken.None);
    }

    /// <summary>What the control plane does about a migration that failed before the destination could have started.</summary>
    public async Task UnwindAsync()
    {
        await hosts.SourceDriver.FinishRevertMigrationAsync(Step(), CancellationToken.None);
        await hosts.DestinationDriver.RevertMigrationAsync(Step(), CancellationToken.None);
    }
}
