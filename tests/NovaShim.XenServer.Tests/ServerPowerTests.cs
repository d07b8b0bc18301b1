using System.Text.Json;
using NovaShim.Sdk;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests;

/// <summary>Nova's verbs of power on one server, each done twice, and the guest's own word for what it noticed.</summary>
public sealed class ServerPowerTests
{
    [Fact]
    public async Task Off_and_on_paused_and_back_suspended_and_back_the_guest_loses_nothing()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var driver = hosts.SourceDriver;

        await TwiceAsync(hosts, server, driver.PauseAsync, PowerState.Paused);
        await AssertStillAsync(hosts, server);
        await TwiceAsync(hosts, server, driver.UnpauseAsync, PowerState.Running);
        await hosts.WriteAsync(server);

        await TwiceAsync(hosts, server, driver.SuspendAsync, PowerState.Suspended);
        await AssertStillAsync(hosts, server);
        await TwiceAsync(hosts, server, driver.ResumeAsync, PowerState.Running);
        await hosts.WriteAsync(server);

        await TwiceAsync(hosts, server, driver.PowerOffAsync, PowerState.Shutdown);
        Assert.Equal((1, true), await JournalAsync(hosts, server));
        await TwiceAsync(hosts, server, driver.PowerOnAsync, PowerState.Running);
        await hosts.WriteAsync(server);

        await driver.PowerOffAsync(hosts.Step(server), CancellationToken.None);
        Assert.Equal((2, true), await JournalAsync(hosts, server));
        await driver.DestroyAsync(hosts.Step(server), CancellationToken.None);
        await Wait.UntilAsync(() => hosts.Source.VhdFiles().Count == 0, "the files are gone");
    }

    [Fact]
    public async Task A_guest_that_does_not_heed_is_switched_off_and_one_that_cannot_be_suspended_says_so()
    {
        await using var hosts = await TwoHosts.StartAsync([("shutdown_timeout_seconds", "2")]);
        var server = await hosts.SpawnAsync();

        await hosts.Source.FailAsync("VM.suspend", after: false, "VM_LACKS_FEATURE_SUSPEND", "$self");
        var refused = await Assert.ThrowsAsync<VerbNotSupportedException>(() => hosts.SourceDriver.SuspendAsync(hosts.Step(server), CancellationToken.None));
        Assert.Equal((StepRecovery.Unwind, "suspend"), (refused.Recovery, refused.Verb));
        await hosts.WriteAsync(server);

        await hosts.Source.FaultAsync(new { kind = "hang", method = "VM.clean_reboot" });
        await hosts.SourceDriver.RebootAsync(hosts.Step(server), hard: false, CancellationToken.None);
        await hosts.WriteAsync(server);

        await hosts.Source.FaultAsync(new { kind = "hang", method = "VM.clean_shutdown" });
        await hosts.SourceDriver.PowerOffAsync(hosts.Step(server), CancellationToken.None);
        Assert.Equal(PowerState.Shutdown, await PowerAsync(hosts, server));
    }

    [Fact]
    public async Task A_call_whose_answer_is_lost_is_found_done()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        foreach (var (message, verb) in new (string, Func<InstanceStepContext, CancellationToken, Task>)[]
        {
            ("VM.pause", hosts.SourceDriver.PauseAsync), ("VM.unpause", hosts.SourceDriver.UnpauseAsync), ("VM.suspend", hosts.SourceDriver.SuspendAsync),
            ("VM.resume_on", hosts.SourceDriver.ResumeAsync), ("VM.hard_shutdown", hosts.SourceDriver.PowerOffAsync), ("VM.start_on", hosts.SourceDriver.PowerOnAsync),
        })
        {
            if (message == "VM.hard_shutdown")
            {
                await hosts.Source.FailAsync("VM.clean_shutdown", after: false, "VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT", "$self");
            }

            await hosts.Source.FailAsync(message, after: true, "INTERNAL_ERROR", "lost");
            await Assert.ThrowsAnyAsync<Exception>(() => verb(hosts.Step(server), CancellationToken.None));
            await verb(hosts.Step(server), CancellationToken.None);
        }

        await hosts.WriteAsync(server);
    }

    [Fact]
    public async Task What_makes_no_sense_is_refused_for_good_and_changes_nothing()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var driver = hosts.SourceDriver;
        async Task RefusedAsync(params Func<InstanceStepContext, CancellationToken, Task>[] verbs)
        {
            var before = await PowerAsync(hosts, server);
            foreach (var verb in verbs)
            {
                var refused = await Assert.ThrowsAsync<StepFailedException>(() => verb(hosts.Step(server), CancellationToken.None));
                Assert.Equal(StepRecovery.Unwind, refused.Recovery);
                Assert.Equal(before, await PowerAsync(hosts, server));
            }
        }

        await driver.PauseAsync(hosts.Step(server), CancellationToken.None);
        await RefusedAsync(driver.SuspendAsync, driver.ResumeAsync, driver.PowerOnAsync);
        await driver.UnpauseAsync(hosts.Step(server), CancellationToken.None);
        await driver.SuspendAsync(hosts.Step(server), CancellationToken.None);
        await RefusedAsync(driver.PauseAsync, driver.UnpauseAsync, driver.PowerOnAsync);
        await hosts.Source.FaultAsync(new { kind = "withhold-memory", bytes = 17L << 30 });
        await RefusedAsync(driver.ResumeAsync);
        await hosts.Source.FaultAsync(new { kind = "clear" });
        await driver.ResumeAsync(hosts.Step(server), CancellationToken.None);
        await driver.PowerOffAsync(hosts.Step(server), CancellationToken.None);
        await RefusedAsync(driver.PauseAsync, driver.UnpauseAsync, driver.SuspendAsync, driver.ResumeAsync);
        await hosts.Source.CallAsync("VM.add_to_blocked_operations", (await hosts.Source.VmAsync(server)).Reference, "start_on", "by hand");
        await RefusedAsync(driver.PowerOnAsync);
        await hosts.Source.CallAsync("VM.remove_from_blocked_operations", (await hosts.Source.VmAsync(server)).Reference, "start_on");
        await hosts.Source.FaultAsync(new { kind = "withhold-memory", bytes = 17L << 30 });
        await RefusedAsync(driver.PowerOnAsync);

        var nowhere = hosts.NewInstance();
        foreach (var verb in new Func<InstanceStepContext, CancellationToken, Task>[] { driver.PowerOffAsync, driver.PauseAsync, driver.RescueAsync, driver.UnrescueAsync })
        {
            Assert.Equal(StepRecovery.Unwind, (await Assert.ThrowsAsync<StepFailedException>(() => verb(hosts.Step(nowhere, withImage: true), CancellationToken.None))).Recovery);
        }
    }

    [Fact]
    public async Task A_reboot_brings_a_server_up_from_anywhere()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var driver = hosts.SourceDriver;
        foreach (var (into, hard) in new (Func<InstanceStepContext, CancellationToken, Task>, bool)[]
        {
            (driver.PowerOffAsync, true), (driver.PowerOffAsync, false), (driver.PauseAsync, true), (driver.SuspendAsync, true),
        })
        {
            await into(hosts.Step(server), CancellationToken.None);
            await driver.RebootAsync(hosts.Step(server), hard, CancellationToken.None);
            Assert.Equal(PowerState.Running, await PowerAsync(hosts, server));
            await hosts.WriteAsync(server);
        }

        Assert.DoesNotContain(await hosts.Source.RecordsAsync("VDI"), v => v.Value["type"]!.GetValue<string>() == "suspend");
    }

    [Fact]
    public async Task Figures_are_told_while_the_server_runs_and_its_interfaces_are_written_for_the_guest()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();

        var figures = await hosts.SourceDriver.GetDiagnosticsAsync(server, CancellationToken.None);
        Assert.Equal(TwoHosts.Small.MemoryMb * 1048576.0, figures["memory"]);
        Assert.True(figures["vbd_xvda_write"] > 0);
        Assert.Contains("cpu0", figures.Keys);

        for (var run = 0; run < 2; run++)
        {
            await hosts.SourceDriver.InjectNetworkInfoAsync(hosts.Step(server), CancellationToken.None);
            var (_, vm) = await hosts.Source.VmAsync(server);
            var written = Assert.Single(vm["xenstore_data"]!.AsObject());
            var vif = (await hosts.Source.RecordsAsync("VIF")).Values.Single(v => v["VM"]!.GetValue<string>() == hosts.Source.VmAsync(server).Result.Reference);
            Assert.Equal("vm-data/networking/" + vif["MAC"]!.GetValue<string>().Replace(":", "", StringComparison.Ordinal).ToUpperInvariant(), written.Key);
            Assert.Equal(vif["MAC"]!.GetValue<string>(), JsonDocument.Parse(written.Value!.GetValue<string>()).RootElement.GetProperty("mac").GetString());
        }

        await hosts.SourceDriver.PowerOffAsync(hosts.Step(server), CancellationToken.None);
        Assert.Empty(await hosts.SourceDriver.GetDiagnosticsAsync(server, CancellationToken.None));
    }

    [Fact]
    public async Task The_console_is_read_where_dom0_keeps_it_and_not_supported_where_it_does_not()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();

        Assert.Contains("Boot 1 of machine", await hosts.SourceDriver.GetConsoleOutputAsync(server, CancellationToken.None), StringComparison.Ordinal);
        await hosts.SourceDriver.RebootAsync(hosts.Step(server), hard: true, CancellationToken.None);
        await Wait.UntilAsync(
            async () => await hosts.SourceDriver.GetConsoleOutputAsync(server, CancellationToken.None) is var text && text.Contains("Boot 2 of machine", StringComparison.Ordinal), "it boots again");

        var elsewhere = hosts.AnotherDriver(hosts.Source, ("console_log_path", Path.Combine(hosts.Folder, "nowhere")));
        var refused = await Assert.ThrowsAsync<VerbNotSupportedException>(() => elsewhere.GetConsoleOutputAsync(server, CancellationToken.None));
        Assert.Equal("get_console_output", refused.Verb);
        await hosts.SourceDriver.PowerOffAsync(hosts.Step(server), CancellationToken.None);
        Assert.Empty(await hosts.SourceDriver.GetConsoleOutputAsync(server, CancellationToken.None));
    }

    /// <summary>How often the guest has booted and whether it was shut down in order; its disk must be closed and whole.</summary>
    internal static async Task<(int Boots, bool Closed)> JournalAsync(TwoHosts hosts, Instance server)
    {
        using var report = JsonDocument.Parse(await TwoHosts.ProveJournalAsync(await hosts.Source.LeafAsync(server)));
        return (report.RootElement.GetProperty("boots").GetInt32(), report.RootElement.GetProperty("closed").GetBoolean());
    }

    private static async Task<PowerState> PowerAsync(TwoHosts hosts, Instance server) => (await hosts.SourceDriver.GetInfoAsync(server, CancellationToken.None))!.PowerState;

    private static async Task TwiceAsync(TwoHosts hosts, Instance server, Func<InstanceStepContext, CancellationToken, Task> verb, PowerState after)
    {
        for (var run = 0; run < 2; run++)
        {
            await verb(hosts.Step(server), CancellationToken.None);
            Assert.Equal(after, await PowerAsync(hosts, server));
        }
    }

    // A guest at work writes many times a second: what it has not done in some seconds it does not do.
    private static async Task AssertStillAsync(TwoHosts hosts, Instance server)
    {
        var leaf = await hosts.Source.LeafAsync(server);
        var before = (File.GetLastWriteTimeUtc(leaf), new FileInfo(leaf).Length);
        for (var look = 0; look < 20; look++)
        {
            await Task.Delay(50);
            Assert.Equal(before, (File.GetLastWriteTimeUtc(leaf), new FileInfo(leaf).Length));
        }
    }
}
