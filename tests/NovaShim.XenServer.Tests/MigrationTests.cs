using System.Globalization;
using System.Text.Json.Nodes;
using NovaShim.Sdk;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests;

/// <summary>Whole migrations between two simulated hosts: there and confirmed, there and back.</summary>
public sealed class MigrationTests
{
    private const string HostileName = "we'b\"; $(reboot) `id` \\ \n../é漢";

    [Fact]
    public async Task A_running_server_arrives_whole_with_its_new_size_and_a_confirm_leaves_nothing_behind()
    {
        await using var hosts = await TwoHosts.StartAsync(settings: null, "--coalesce-delay", "2");
        var server = await hosts.SpawnAsync(HostileName);
        var mac = await MacAsync(hosts.Source, server);
        var run = hosts.Migration(server);
        await SimulatorProgram.RunAsync("network", "--root", hosts.Destination.Root, "slow", "2000000");

        await run.PrepareAsync();
        var copy = await run.CopyAsync();
        await run.FinishAsync();

        var (_, vm) = await hosts.Destination.VmAsync(server);
        Assert.Equal("Running", vm["power_state"]!.GetValue<string>());
        Assert.Equal(TwoHosts.Large.MemoryMb * 1048576L, vm["memory_static_max"]!.GetValue<long>());
        Assert.Equal(TwoHosts.Large.Vcpus, vm["VCPUs_max"]!.GetValue<long>());
        Assert.Equal(HostileName, vm["name_description"]!.GetValue<string>());
        Assert.Equal(mac, await MacAsync(hosts.Destination, server));
        Assert.Equal(PowerState.Shutdown, (await hosts.SourceDriver.GetInfoAsync(server, CancellationToken.None))!.PowerState);
        Assert.Empty(hosts.Destination.Leftovers());
        Assert.Empty(hosts.Source.Leftovers());
        var root = Assert.Single(await hosts.Destination.RecordsAsync("VDI"), v => v.Value["managed"]!.GetValue<bool>());
        Assert.Equal(1L << 30, root.Value["virtual_size"]!.GetValue<long>());

        var percents = copy.Reports.Select(r => r.Percent).ToList();
        Assert.Equal(percents.Order(), percents);
        Assert.Contains(percents, p => p is > 0 and < 90);
        Assert.Contains(percents, p => p is > 90 and <= 99);
        Assert.Equal(["base", "last delta"], run.Progress.Rounds.Select(r => r.Name).Where(n => !n.StartsWith("delta", StringComparison.Ordinal)));
        Assert.All(run.Progress.Rounds, r => Assert.True(r.Bytes > 0 && r.Seconds > 0));
        Assert.False(run.Progress.Rounds[^1].GuestRunning);
        Assert.True(run.Progress.Rounds[0].GuestRunning && run.Progress.Rounds[0].Bytes >= TwoHosts.ImageContent);
        Assert.True(run.Progress.StoppedAt < run.Progress.StartedAt);

        await run.ConfirmAsync();

        Assert.Empty(await hosts.Source.VmsAsync());
        await Wait.UntilAsync(() => hosts.Source.VhdFiles().Count == 0, "the source's files are gone");
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));

        Assert.DoesNotContain(hosts.Source.Ready["password"], hosts.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(hosts.Destination.Ready["password"], hosts.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("OpaqueRef", string.Join('\n', hosts.Log.Split('\n').Where(l => l.Contains("Session", StringComparison.Ordinal))), StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE KEY", hosts.Log + run.SourceOffer + run.DestinationOffer + run.DiskInfo, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revert_brings_the_server_back_as_it_was_and_the_destination_is_clean()
    {
        await using var hosts = await TwoHosts.StartAsync(settings: null, "--coalesce-delay", "2");
        var server = await hosts.SpawnAsync(HostileName);
        var (_, before) = await hosts.Source.VmAsync(server);
        var run = hosts.Migration(server);
        await run.ForwardAsync();

        await run.RevertAsync();

        await AssertBackAsync(hosts, server, before);
        await TwoHosts.StopAsync(hosts.Source, server);
        await TwoHosts.ProveJournalAsync(await hosts.Source.LeafAsync(server));

        // And it can be moved again.
        await hosts.Source.CallAsync("VM.start", (await hosts.Source.VmAsync(server)).Reference, false, false);
        var again = hosts.Migration(server);
        await again.ForwardAsync();
        await again.ConfirmAsync();
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
    }

    [Fact]
    public async Task Every_verb_may_run_twice()
    {
        await using var hosts = await TwoHosts.StartAsync(settings: null, "--coalesce-delay", "2");
        var server = await hosts.SpawnAsync();
        await hosts.SourceDriver.SpawnAsync(hosts.Step(server, withImage: true), CancellationToken.None);
        var (_, before) = await hosts.Source.VmAsync(server);

        var reverted = hosts.Migration(server);
        await reverted.PrepareAsync();
        await reverted.PrepareAsync();
        Assert.Single(hosts.Destination.Leftovers(), l => l.StartsWith("restrict,", StringComparison.Ordinal));
        var copy = await reverted.CopyAsync();
        var first = reverted.DiskInfo;
        await reverted.CopyAsync(copy);
        Assert.Equal(first, reverted.DiskInfo);
        var finish = await reverted.FinishAsync();
        await reverted.FinishAsync(finish);
        await reverted.FinishAsync();
        Assert.Single(await hosts.Destination.VmsAsync());
        await reverted.RevertAsync();
        await reverted.RevertAsync();
        await AssertBackAsync(hosts, server, before);

        var confirmed = hosts.Migration(server);
        await confirmed.ForwardAsync();
        await confirmed.ConfirmAsync();
        await confirmed.ConfirmAsync();
        Assert.Empty(await hosts.Source.VmsAsync());
        Assert.Single(await hosts.Destination.VmsAsync());

        await hosts.DestinationDriver.DestroyAsync(hosts.Step(server), CancellationToken.None);
        await hosts.DestinationDriver.DestroyAsync(hosts.Step(server), CancellationToken.None);
        Assert.Empty(await hosts.Destination.VmsAsync());
        await Wait.UntilAsync(() => hosts.Destination.VhdFiles().Count + hosts.Source.VhdFiles().Count == 0, "no file is left");
    }

    [Fact]
    public async Task A_deep_chain_and_a_second_disk_move_whole()
    {
        await using var hosts = await TwoHosts.StartAsync(settings: null, "--coalesce-delay", "600");
        var server = await hosts.SpawnAsync();
        var (vm, _) = await hosts.Source.VmAsync(server);
        var second = await AttachDiskAsync(hosts.Source, vm, "1", 8 << 20);
        for (var i = 0; i < 3; i++)
        {
            await hosts.WriteAsync(server);
            await hosts.Source.CallAsync("VM.snapshot", vm, $"by hand {i}");
        }

        await hosts.WriteAsync(server);
        var run = hosts.Migration(server);
        await run.ForwardAsync();

        var disks = JsonNode.Parse(run.DiskInfo!)!["disks"]!.AsArray();
        Assert.Equal(["0", "1"], disks.Select(d => d!["userdevice"]!.GetValue<string>()));
        Assert.True(disks[0]!["files"]!.AsArray().Count >= 4, run.DiskInfo);
        Assert.Equal(8 << 20, disks[1]!["virtual_size"]!.GetValue<long>());
        await run.ConfirmAsync();
        Assert.Empty(await hosts.Source.VmsAsync());
        Assert.DoesNotContain(await hosts.Source.RecordsAsync("VDI"), v => v.Value["managed"]!.GetValue<bool>());
        Assert.NotEmpty(second);
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
        Assert.Equal(2, (await hosts.Destination.RecordsAsync("VDI")).Count(v => v.Value["managed"]!.GetValue<bool>()));
    }

    [Fact]
    public async Task A_busy_guest_is_sent_in_rounds_until_the_rest_is_small()
    {
        await using var hosts = await TwoHosts.StartAsync(
            [("copy_threshold_bytes", "0"), ("copy_rounds", "3")], "--coalesce-delay", "1", "--guest-write-rate", "2000000");
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);
        await SimulatorProgram.RunAsync("network", "--root", hosts.Destination.Root, "slow", "4000000");

        await run.ForwardAsync();

        Assert.Equal(["base", "delta 1"], run.Progress.Rounds.Take(2).Select(r => r.Name));
        Assert.Equal("last delta", run.Progress.Rounds[^1].Name);
        Assert.All(run.Progress.Rounds, r => Assert.Equal(r.Name != "last delta", r.GuestRunning));
        await run.ConfirmAsync();
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
    }

    [Fact]
    public async Task A_stopped_server_moves_too_and_a_revert_does_not_start_it()
    {
        await using var hosts = await TwoHosts.StartAsync(settings: null, "--coalesce-delay", "2");
        var server = await hosts.SpawnAsync();
        await TwoHosts.StopAsync(hosts.Source, server);
        var run = hosts.Migration(server);

        await run.ForwardAsync();
        Assert.Null(run.Progress.StoppedAt);
        await run.RevertAsync();

        var (_, vm) = await hosts.Source.VmAsync(server);
        Assert.Equal("Halted", vm["power_state"]!.GetValue<string>());
        Assert.Empty(vm["blocked_operations"]!.AsObject());
        await TwoHosts.ProveJournalAsync(await hosts.Source.LeafAsync(server));
    }

    /// <summary>The server runs at the source as before the migration, and nothing of the migration is left anywhere.</summary>
    internal static async Task AssertBackAsync(TwoHosts hosts, Instance server, JsonNode before)
    {
        var (reference, after) = await hosts.Source.VmAsync(server);
        Assert.Equal("Running", after["power_state"]!.GetValue<string>());
        foreach (var field in new[] { "uuid", "name_label", "name_description", "blocked_operations", "other_config", "memory_static_max" })
        {
            Assert.Equal(before[field]!.ToJsonString(), after[field]!.ToJsonString());
        }

        Assert.DoesNotContain(await hosts.Source.RecordsAsync("VM"), v => v.Value["is_a_snapshot"]!.GetValue<bool>() && v.Value["snapshot_of"]!.GetValue<string>() == reference);
        Assert.DoesNotContain(await hosts.Source.RecordsAsync("VDI"), v => v.Value["managed"]!.GetValue<bool>() && v.Value["other_config"]!["nova_migrating"] is not null);
        Assert.Empty(await hosts.Destination.VmsAsync());
        Assert.Empty(hosts.Destination.Leftovers());
        Assert.Empty(hosts.Source.Leftovers());
        await Wait.UntilAsync(() => hosts.Destination.VhdFiles().Count == 0, "the destination's files are gone");
    }

    internal static async Task<string> AttachDiskAsync(SimulatedHost host, string vm, string userdevice, long bytes)
    {
        var sr = (await host.CallAsync("SR.get_by_uuid", host.Ready["sr_uuid"]))!.GetValue<string>();
        var vdi = (await host.CallAsync("VDI.create", new JsonObject
        {
            ["name_label"] = "data", ["SR"] = sr, ["virtual_size"] = bytes, ["type"] = "user", ["sharable"] = false, ["read_only"] = false, ["other_config"] = new JsonObject(),
        }))!.GetValue<string>();
        return (await host.CallAsync("VBD.create", new JsonObject
        {
            ["VM"] = vm, ["VDI"] = vdi, ["userdevice"] = userdevice, ["bootable"] = false, ["mode"] = "RW", ["type"] = "Disk", ["empty"] = false,
            ["other_config"] = new JsonObject(), ["qos_algorithm_type"] = "", ["qos_algorithm_params"] = new JsonObject(),
        }))!.GetValue<string>();
    }

    private static async Task<string> MacAsync(SimulatedHost host, Instance server)
    {
        var (_, vm) = await host.VmAsync(server);
        var vif = Assert.Single(vm["VIFs"]!.AsArray())!.GetValue<string>();
        return (await host.CallAsync("VIF.get_MAC", vif))!.GetValue<string>().ToUpper(CultureInfo.InvariantCulture);
    }
}
