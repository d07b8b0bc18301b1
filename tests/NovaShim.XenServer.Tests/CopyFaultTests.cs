using System.Diagnostics;
using System.Text.Json.Nodes;
using NovaShim.Sdk;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests;

/// <summary>Copies of disks to which something happens, under way or after they have arrived.</summary>
public sealed class CopyFaultTests
{
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
