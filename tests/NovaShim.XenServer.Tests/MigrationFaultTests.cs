using System.Diagnostics;
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

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task A_bit_that_flips_after_it_arrived_is_found_whatever_the_files_time_says_and_copied_again(bool leaf, bool readAgain)
    {
        await using var hosts = await TwoHosts.StartAsync([("read_again_before_start", readAgain.ToString())], "--coalesce-delay", "1");
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        await run.CopyAsync();
        var files = JsonNode.Parse(run.DiskInfo!)!["disks"]![0]!["files"]!.AsArray().Select(f => f!["name"]!.GetValue<string>()).ToList();
        var victim = Path.Combine(run.Staging, leaf ? files[^1] : files[0]);
        var time = Path.Combine(hosts.Folder, "time");
        Assert.Equal(0, await RunAsync("touch", "-r", victim, time));
        await using (var file = new FileStream(victim, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = file.Length - 4096;
            var was = file.ReadByte();
            file.Position--;
            file.WriteByte((byte)(was ^ 1));
        }

        Assert.Equal(0, await RunAsync("touch", "-r", time, victim));
        if (readAgain)
        {
            // As when the medium has done it: no file's time tells of it.
            foreach (var mark in Directory.GetFiles(run.Staging, "compared-*"))
            {
                await File.AppendAllTextAsync(mark, ".");
            }
        }

        var failed = await Assert.ThrowsAsync<StepFailedException>(() => run.FinishAsync());
        Assert.Equal(StepRecovery.CopyAgain, failed.Recovery);
        Assert.Contains(Path.GetFileName(victim), failed.Message, StringComparison.Ordinal);
        Assert.Contains(leaf || readAgain ? "checksum" : "after it had been compared", failed.Message, StringComparison.Ordinal);
        Assert.Empty(await hosts.Destination.VmsAsync());

        await run.ForwardAsync();
        await run.ConfirmAsync();
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
    }

    [Fact]
    public async Task A_chain_that_is_coalesced_between_snapshot_and_copy_is_sent_as_it_became()
    {
        await using var hosts = await TwoHosts.StartAsync([("copy_threshold_bytes", "0"), ("copy_rounds", "2")], "--coalesce-delay", "1", "--guest-write-rate", "4000000");
        var server = await hosts.SpawnAsync();
        var (vm, _) = await hosts.Source.VmAsync(server);
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        var step = run.Step();
        var merged = false;
        step.BeforeSave = async _ =>
        {
            // An operator deletes the first snapshot just when the second is about to be sent: the second base copy is merged into the first.
            var snapshots = (await hosts.Source.RecordsAsync("VM")).Where(v => v.Value["is_a_snapshot"]!.GetValue<bool>() && v.Value["snapshot_of"]!.GetValue<string>() == vm).ToList();
            if (!merged && snapshots.Count == 2)
            {
                merged = true;
                var first = snapshots.Single(s => s.Value["name_label"]!.GetValue<string>().EndsWith("-1", StringComparison.Ordinal));
                var files = hosts.Source.VhdFiles().Count;
                await DestroySnapshotAsync(hosts.Source, first.Value, first.Key);
                await Wait.UntilAsync(() => hosts.Source.VhdFiles().Count <= files - 2, "the base copy has been merged");
            }
        };

        await run.CopyAsync(step);
        Assert.True(merged);
        await run.FinishAsync();

        await run.ConfirmAsync();
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
    }

    [Fact]
    public async Task A_network_cut_while_copying_fails_the_step_and_the_next_try_goes_on_from_there()
    {
        await using var hosts = await TwoHosts.StartAsync([("transfer_idle_timeout_seconds", "5")]);
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        await SimulatorProgram.RunAsync("network", "--root", hosts.Destination.Root, "slow", "2000000");
        var step = run.Step();
        var cut = false;
        step.OnReport = p =>
        {
            if (!cut && p.BytesDone > 500_000)
            {
                cut = true;
                SimulatorProgram.RunAsync("network", "--root", hosts.Destination.Root, "cut").GetAwaiter().GetResult();
            }
        };

        await Assert.ThrowsAnyAsync<Exception>(() => run.CopyAsync(step));
        Assert.True(cut);
        Assert.Equal(PowerState.Running, (await hosts.SourceDriver.GetInfoAsync(server, CancellationToken.None))!.PowerState);

        await SimulatorProgram.RunAsync("network", "--root", hosts.Destination.Root, "heal");
        step.OnReport = _ => { };
        await RetryAsync(() => run.CopyAsync(step));
        await run.FinishAsync();
        await run.ConfirmAsync();
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
    }

    [Fact]
    public async Task A_destination_killed_while_copying_goes_on_after_its_restart()
    {
        await using var hosts = await TwoHosts.StartAsync([("transfer_idle_timeout_seconds", "5")]);
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        await SimulatorProgram.RunAsync("network", "--root", hosts.Destination.Root, "slow", "2000000");
        var step = run.Step();
        var killed = false;
        step.OnReport = p =>
        {
            if (!killed && p.BytesDone > 500_000)
            {
                killed = true;
                hosts.Destination.Kill();
            }
        };
        await Assert.ThrowsAnyAsync<Exception>(() => run.CopyAsync(step));
        Assert.True(killed);

        await hosts.RestartDestinationAsync();
        await SimulatorProgram.RunAsync("network", "--root", hosts.Destination.Root, "heal");
        step.OnReport = _ => { };
        await RetryAsync(() => run.CopyAsync(step));
        await RetryAsync(() => run.FinishAsync());
        await run.ConfirmAsync();
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
    }

    [Fact]
    public async Task A_second_run_ends_the_copy_of_one_that_does_not_know_yet_that_it_is_replaced()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        await SimulatorProgram.RunAsync("network", "--root", hosts.Destination.Root, "slow", "1000000");
        var copying = new TaskCompletionSource();
        var old = run.Step();
        old.OnReport = p =>
        {
            if (p.BytesDone > 200_000)
            {
                copying.TrySetResult();
            }
        };
        old.BeforeSave = _ => copying.Task.IsCompleted ? throw new LeaseLostException("replaced") : Task.CompletedTask;
        var zombie = hosts.AnotherDriver(hosts.Source).MigrateDiskAndPowerOffAsync(old, CancellationToken.None);
        await copying.Task;
        await SimulatorProgram.RunAsync("network", "--root", hosts.Destination.Root, "heal");

        await run.CopyAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => zombie);
        await run.FinishAsync();
        await run.ConfirmAsync();
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
    }

    [Fact]
    public async Task A_copy_waits_for_the_one_before_whose_other_half_has_not_noticed_yet()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        // rrsync's lock on the folder, held by somebody who works elsewhere.
        using var before = Process.Start(new ProcessStartInfo("flock", ["--exclusive", run.Staging, "cat"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await before.StandardInput.WriteLineAsync("has it");
        await before.StandardInput.FlushAsync();
        Assert.Equal("has it", await before.StandardOutput.ReadLineAsync());

        var copying = run.CopyAsync();
        await Wait.UntilAsync(() => copying.IsCompleted || hosts.Log.Split(": sending disks").Length > 2, "the copy is refused and tried again");
        before.StandardInput.Close();
        await before.WaitForExitAsync();
        await copying;

        await run.FinishAsync();
        await run.ConfirmAsync();
    }

    [Fact]
    public async Task A_cancelled_copy_leaves_no_rsync_behind()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        await SimulatorProgram.RunAsync("network", "--root", hosts.Destination.Root, "slow", "500000");
        using var cancel = new CancellationTokenSource();
        var step = run.Step();
        step.OnReport = p =>
        {
            if (p.BytesDone > 100_000)
            {
                cancel.Cancel();
            }
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hosts.SourceDriver.MigrateDiskAndPowerOffAsync(step, cancel.Token));

        var folder = Assert.Single(Directory.EnumerateDirectories(hosts.Source.Root, run.Migration.Uuid, SearchOption.AllDirectories));
        await Wait.UntilAsync(() => Process.GetProcesses().All(p => WorkingDirectory(p) != folder), "rsync has ended");
        Assert.Equal(PowerState.Running, (await hosts.SourceDriver.GetInfoAsync(server, CancellationToken.None))!.PowerState);
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
    public async Task A_destination_that_shows_another_host_key_gets_nothing()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        var offer = JsonNode.Parse(run.DestinationOffer!)!;
        offer["host_key"] = hosts.Source.Ready["ssh_host_key"];
        run.DestinationOffer = offer.ToJsonString();

        var failed = await Assert.ThrowsAsync<StepFailedException>(() => run.CopyAsync());

        Assert.Equal(StepRecovery.Unwind, failed.Recovery);
        Assert.Contains("host key", failed.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(run.Staging));

        var stranger = hosts.AnotherDriver(hosts.Destination, ("ssh_host_key", hosts.Source.Ready["ssh_host_key"]));
        var refused = await Assert.ThrowsAsync<StepFailedException>(() => stranger.InitHostAsync(CancellationToken.None));
        Assert.Contains("host key", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_migrations_key_can_do_nothing_but_write_into_its_folder()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        var key = Path.Combine(Assert.Single(Directory.EnumerateDirectories(hosts.Source.Root, run.Migration.Uuid, SearchOption.AllDirectories)), "key");
        var file = Path.Combine(hosts.Folder, "file.vhd");
        await File.WriteAllTextAsync(file, "content");
        var ready = hosts.Destination.Ready;
        var known = Path.Combine(hosts.Folder, "known_hosts");
        await File.WriteAllTextAsync(known, $"[{ready["ssh_host"]}]:{ready["ssh_port"]} {ready["ssh_host_key"]}\n");
        string[] ssh = ["-i", key, "-p", ready["ssh_port"], "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=" + known];
        var remote = $"{ready["ssh_user"]}@{ready["ssh_host"]}";
        var rsh = "ssh " + string.Join(' ', ssh);

        Assert.Equal(0, await RunAsync("rsync", "-e", rsh, file, remote + ":./"));
        Assert.True(File.Exists(Path.Combine(run.Staging, "file.vhd")));

        Assert.NotEqual(0, await RunAsync("ssh", [.. ssh, remote, "id"]));
        Assert.NotEqual(0, await RunAsync("ssh", [.. ssh, remote]));
        Assert.NotEqual(0, await RunAsync("ssh", [.. ssh, "-W", $"{ready["ssh_host"]}:{new Uri(ready["url"]).Port}", remote]));
        Assert.NotEqual(0, await RunAsync("rsync", "-e", rsh, remote + ":./file.vhd", Path.Combine(hosts.Folder, "back.vhd")));
        Assert.NotEqual(0, await RunAsync("rsync", "-e", rsh, file, remote + ":../outside.vhd"));
        await RunAsync("rsync", "-e", rsh, file, remote + ":" + Path.Combine(hosts.Destination.SrPath, "absolute.vhd"));
        Assert.Empty(hosts.Destination.VhdFiles());
        Assert.False(File.Exists(Path.Combine(hosts.Folder, "back.vhd")));

        await run.UnwindAsync();
        Assert.Empty(hosts.Destination.Leftovers());
        Assert.Empty(hosts.Source.Leftovers());
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

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        await process.StandardError.ReadToEndAsync();
        await output;
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    // The receiving end may hold on to a connection that is gone for as long as its time limit says.
    private static async Task RetryAsync(Func<Task> step)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                await step();
                return;
            }
            catch (Exception) when (tries < 10)
            {
                await Task.Delay(TimeSpan.FromSeconds(1));
            }
        }
    }

    private static async Task DestroySnapshotAsync(SimulatedHost host, JsonNode record, string reference)
    {
        foreach (var vbd in record["VBDs"]!.AsArray())
        {
            await host.CallAsync("VDI.destroy", (await host.CallAsync("VBD.get_VDI", vbd!.GetValue<string>()))!.GetValue<string>());
        }

        await host.CallAsync("VM.destroy", reference);
    }

    private static string? WorkingDirectory(Process process)
    {
        try
        {
            return new FileInfo($"/proc/{process.Id}/cwd").ResolveLinkTarget(returnFinalTarget: false)?.FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
