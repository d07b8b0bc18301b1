using System.Text.Json.Nodes;
using NovaShim.Sdk;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests;

/// <summary>Migrations to which something happens.</summary>
public sealed class MigrationFaultTests
{
    private sealed class DiedHereException : Exception;

    [Fact]
    public async Task Dying_at_every_note_in_turn_the_steps_are_taken_up_and_end_well()
    {
        await using var hosts = await TwoHosts.StartAsync([("copy_threshold_bytes", "0"), ("copy_rounds", "2")], "--coalesce-delay", "1");
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);
        await run.PrepareAsync();

        Assert.True(await DieAtEveryNoteAsync(run.Step(), run.CopyAsync) >= 4);
        Assert.True(await DieAtEveryNoteAsync(run.Step(), run.FinishAsync) >= 3);

        Assert.Single(await hosts.Destination.VmsAsync());
        Assert.Empty(hosts.Destination.Leftovers());
        await run.ConfirmAsync();
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(6)]
    [InlineData(9)]
    [InlineData(12)]
    public async Task Unwinding_from_wherever_the_copy_died_gives_the_server_back(int note)
    {
        await using var hosts = await TwoHosts.StartAsync(settings: null, "--coalesce-delay", "1");
        var server = await hosts.SpawnAsync();
        var (_, before) = await hosts.Source.VmAsync(server);
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        var step = run.Step();
        step.BeforeSave = saved => saved == note ? throw new LeaseLostException("another has it") : Task.CompletedTask;

        await Assert.ThrowsAsync<LeaseLostException>(() => run.CopyAsync(step));
        await run.UnwindAsync();
        await run.UnwindAsync();

        await MigrationTests.AssertBackAsync(hosts, server, before);
        await TwoHosts.StopAsync(hosts.Source, server);
        await TwoHosts.ProveJournalAsync(await hosts.Source.LeafAsync(server));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Unwinding_from_wherever_the_finish_died_leaves_the_destination_clean(int note)
    {
        await using var hosts = await TwoHosts.StartAsync(settings: null, "--coalesce-delay", "1");
        var server = await hosts.SpawnAsync();
        var (_, before) = await hosts.Source.VmAsync(server);
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        await run.CopyAsync();
        var step = run.Step();
        step.BeforeSave = saved => saved == note ? throw new DiedHereException() : Task.CompletedTask;

        await Assert.ThrowsAsync<DiedHereException>(() => run.FinishAsync(step));
        await run.RevertAsync();

        await MigrationTests.AssertBackAsync(hosts, server, before);
    }

    [Fact]
    public async Task Disks_that_were_moved_but_never_scanned_go_in_a_revert()
    {
        await using var hosts = await TwoHosts.StartAsync(settings: null, "--coalesce-delay", "1");
        var server = await hosts.SpawnAsync();
        var (_, before) = await hosts.Source.VmAsync(server);
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        await run.CopyAsync();
        await hosts.Destination.FailAsync("SR.scan", after: false, "INTERNAL_ERROR", "test");
        await Assert.ThrowsAnyAsync<Exception>(() => run.FinishAsync());
        Assert.NotEmpty(hosts.Destination.VhdFiles());

        await run.RevertAsync();

        await MigrationTests.AssertBackAsync(hosts, server, before);
    }

    [Fact]
    public async Task Faults_of_XenAPI_are_borne()
    {
        await using var hosts = await TwoHosts.StartAsync([("shutdown_timeout_seconds", "3")]);
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);
        await hosts.Source.FaultAsync(new { kind = "expire-sessions" });
        await hosts.Destination.FaultAsync(new { kind = "expire-sessions" });
        await run.PrepareAsync();

        // The guest does not listen.
        await hosts.Source.FaultAsync(new { kind = "hang", method = "VM.clean_shutdown" });
        await run.CopyAsync();
        Assert.Equal(PowerState.Shutdown, (await hosts.SourceDriver.GetInfoAsync(server, CancellationToken.None))!.PowerState);

        // A scan that fails, and a start whose answer is lost.
        await hosts.Destination.FailAsync("SR.scan", after: false, "SR_BACKEND_FAILURE_40", "", "The SR scan failed", "");
        await hosts.Destination.FailAsync("VM.start_on", after: true, "INTERNAL_ERROR", "lost");
        await Assert.ThrowsAnyAsync<Exception>(() => run.FinishAsync());
        await run.FinishAsync();

        Assert.Equal("Running", (await hosts.Destination.VmAsync(server)).Record["power_state"]!.GetValue<string>());
        await run.ConfirmAsync();
    }

    [Fact]
    public async Task Without_memory_at_the_destination_the_migration_unwinds()
    {
        await using var hosts = await TwoHosts.StartAsync(settings: null, "--coalesce-delay", "1");
        var server = await hosts.SpawnAsync();
        var (_, before) = await hosts.Source.VmAsync(server);
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        await run.CopyAsync();
        await hosts.Destination.FaultAsync(new { kind = "withhold-memory", bytes = 17L << 30 });

        var failed = await Assert.ThrowsAsync<StepFailedException>(() => run.FinishAsync());
        Assert.Equal(StepRecovery.Unwind, failed.Recovery);
        Assert.Contains("memory", failed.Message, StringComparison.Ordinal);
        await run.RevertAsync();
        await MigrationTests.AssertBackAsync(hosts, server, before);

        var refused = await Assert.ThrowsAsync<StepFailedException>(() => hosts.Migration(server).PrepareAsync());
        Assert.Equal(StepRecovery.Reschedule, refused.Recovery);
    }

    [Fact]
    public async Task A_stopped_source_cannot_be_started_by_accident_and_a_start_by_force_is_noticed()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        var step = await run.CopyAsync();
        var (vm, _) = await hosts.Source.VmAsync(server);

        var blocked = await Assert.ThrowsAsync<InvalidOperationException>(() => hosts.Source.CallAsync("VM.start", vm, false, false));
        Assert.Contains("OPERATION_BLOCKED", blocked.Message, StringComparison.Ordinal);

        await hosts.Source.CallAsync("VM.set_blocked_operations", vm, new JsonObject());
        await hosts.Source.CallAsync("VM.start", vm, false, false);
        await hosts.WriteAsync(server);

        // The step's result holds no more, and its key is gone: it asks to be prepared again.
        var failed = await Assert.ThrowsAsync<StepFailedException>(() => run.CopyAsync(step));
        Assert.Equal(StepRecovery.CopyAgain, failed.Recovery);
        await run.ForwardAsync();
        await run.ConfirmAsync();
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
    }

    [Fact]
    public async Task A_source_that_somebody_has_started_meanwhile_is_not_joined_by_the_destination_but_stopped_and_copied_again()
    {
        await using var hosts = await TwoHosts.StartAsync(settings: null, "--coalesce-delay", "1");
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        await run.CopyAsync();
        var (vm, _) = await hosts.Source.VmAsync(server);
        await hosts.Source.CallAsync("VM.set_blocked_operations", vm, new JsonObject());
        await hosts.Source.CallAsync("VM.start", vm, false, false);
        await hosts.WriteAsync(server);
        var step = run.Step();
        step.SourceSays = PowerState.Running;

        var failed = await Assert.ThrowsAsync<StepFailedException>(() => run.FinishAsync(step));

        Assert.Equal(StepRecovery.CopyAgain, failed.Recovery);
        Assert.Empty(await hosts.Destination.VmsAsync());
        Assert.Empty(hosts.Destination.Leftovers());
        await run.ForwardAsync();
        await run.ConfirmAsync();
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
    }

    [Theory]
    [InlineData("vm")]
    [InlineData("disk")]
    public async Task What_somebody_has_deleted_at_the_destination_is_missed_before_the_source_is_destroyed_and_a_revert_still_works(string what)
    {
        await using var hosts = await TwoHosts.StartAsync(settings: null, "--coalesce-delay", "1");
        var server = await hosts.SpawnAsync();
        var (_, before) = await hosts.Source.VmAsync(server);
        var run = hosts.Migration(server);
        await run.ForwardAsync();
        await hosts.DestinationDriver.CheckMigrationAsync(run.Step(), CancellationToken.None);
        await TwoHosts.StopAsync(hosts.Destination, server);
        await hosts.DestinationDriver.CheckMigrationAsync(run.Step(), CancellationToken.None);

        var (vm, record) = await hosts.Destination.VmAsync(server);
        if (what == "vm")
        {
            // As XenAPI does it: the disks stay.
            await hosts.Destination.CallAsync("VM.destroy", vm);
        }
        else
        {
            await hosts.Destination.CallAsync("VDI.destroy", (await hosts.Destination.CallAsync("VBD.get_VDI", record["VBDs"]![0]!.GetValue<string>()))!.GetValue<string>());
        }

        var failed = await Assert.ThrowsAsync<StepFailedException>(() => hosts.DestinationDriver.CheckMigrationAsync(run.Step(), CancellationToken.None));
        Assert.Equal(StepRecovery.Unwind, failed.Recovery);
        Assert.Contains("gone from xen2", failed.Message, StringComparison.Ordinal);

        await run.RevertAsync();
        await MigrationTests.AssertBackAsync(hosts, server, before);
    }

    private static async Task<int> DieAtEveryNoteAsync(TestMigrationStep step, Func<TestMigrationStep?, Task<TestMigrationStep>> handler)
    {
        for (var deaths = 0; ; deaths++)
        {
            var left = deaths;
            step.BeforeSave = _ => left-- == 0 ? throw new DiedHereException() : Task.CompletedTask;
            try
            {
                await handler(step);
                return deaths;
            }
            catch (DiedHereException)
            {
                Assert.True(deaths < 40, "The step does not get on.");
            }
        }
    }
}
