using System.Text.Json.Nodes;
using NovaShim.Sdk;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests;

/// <summary>Rescue and unrescue: another VM in the server's place, with its disk and its addresses.</summary>
public sealed class ServerRescueTests
{
    [Fact]
    public async Task A_rescue_VM_has_the_servers_disk_and_address_and_the_servers_VM_cannot_be_started_beside_it()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var (own, before) = await hosts.Source.VmAsync(server);
        var root = await hosts.Source.LeafAsync(server);

        await RescueAsync(hosts, server);
        await AssertRescuedAsync(hosts, server);

        var rescue = await RescueVmAsync(hosts, server);
        Assert.Equal(server.Name + "-rescue", rescue.Record["name_label"]!.GetValue<string>());
        var disks = await DisksAsync(hosts, rescue.Record);
        Assert.Equal(["0", "1"], disks.Keys.Order());
        Assert.Equal(Path.GetFileNameWithoutExtension(root), disks["1"]["uuid"]!.GetValue<string>());
        Assert.Equal(await MacAsync(hosts, before), await MacAsync(hosts, rescue.Record));
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => hosts.Source.CallAsync("VM.start", own, false, false));
        Assert.Contains("OPERATION_BLOCKED", refused.Message, StringComparison.Ordinal);
        await TwoHosts.ProveJournalAsync(root);

        // The verbs mean the rescue VM.
        await hosts.SourceDriver.RebootAsync(hosts.Step(server), hard: true, CancellationToken.None);
        await AssertRescuedAsync(hosts, server);

        await UnrescueAsync(hosts, server);
        await AssertBackAsync(hosts, server);
        Assert.Equal(root, await hosts.Source.LeafAsync(server));
        await hosts.WriteAsync(server);
        await TwoHosts.StopAsync(hosts.Source, server);
        Assert.Equal((2, true), await ServerPowerTests.JournalAsync(hosts, server));
    }

    [Fact]
    public async Task A_rescue_that_dies_anywhere_is_taken_up_again()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();

        await Faults.EverywhereAsync(
            hosts,
            [
                "VDI.create", "VDI.remove_from_other_config", "VM.add_to_other_config", "VM.add_to_blocked_operations", "VM.create", "VBD.create", "VIF.create", "VM.start_on",
            ],
            ct => RescueAsync(hosts, server, ct), () => AssertRescuedAsync(hosts, server), () => UnrescueAsync(hosts, server));
        await AssertBackAsync(hosts, server);

        await RescueAsync(hosts, server);
        await Faults.EverywhereAsync(
            hosts,
            ["VDI.destroy", "VM.destroy", "VM.remove_from_blocked_operations", "VM.start_on"],
            ct => UnrescueAsync(hosts, server, ct), () => AssertBackAsync(hosts, server), () => RescueAsync(hosts, server));
        await UnrescueAsync(hosts, server);
        await hosts.WriteAsync(server);
    }

    [Fact]
    public async Task A_rescue_that_cannot_be_leaves_the_server_alone_and_destroy_takes_both()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var step = hosts.Step(server, withImage: true);
        var bad = new TestInstanceStep { Instance = server, RequestId = "r", Image = step.Image! with { DiskFormat = "qcow2" } };

        Assert.Equal(StepRecovery.Unwind, (await Assert.ThrowsAsync<StepFailedException>(() => hosts.SourceDriver.RescueAsync(bad, CancellationToken.None))).Recovery);
        await AssertBackAsync(hosts, server);
        await hosts.SourceDriver.UnrescueAsync(hosts.Step(server), CancellationToken.None);
        await AssertBackAsync(hosts, server);

        // Without memory for the rescue VM the server has its own back.
        foreach (var running in new[] { true, false })
        {
            await (running ? Task.CompletedTask : hosts.SourceDriver.PowerOffAsync(hosts.Step(server), CancellationToken.None));
            await hosts.Source.FailAsync("VM.start_on", after: false, "HOST_NOT_ENOUGH_FREE_MEMORY", "1", "0");
            var refused = await Assert.ThrowsAsync<StepFailedException>(() => RescueAsync(hosts, server));
            Assert.Equal(StepRecovery.Unwind, refused.Recovery);
            await AssertBackAsync(hosts, server, running ? "Running" : "Halted");
        }

        await hosts.SourceDriver.PowerOnAsync(hosts.Step(server), CancellationToken.None);
        await hosts.SourceDriver.SuspendAsync(hosts.Step(server), CancellationToken.None);
        await RescueAsync(hosts, server);
        await AssertRescuedAsync(hosts, server);
        await hosts.SourceDriver.DestroyAsync(hosts.Step(server), CancellationToken.None);
        await hosts.SourceDriver.DestroyAsync(hosts.Step(server), CancellationToken.None);
        Assert.Empty(await hosts.Source.VmsAsync());
        Assert.Empty(await hosts.Source.DisksAsync());
    }

    [Fact]
    public async Task Of_several_servers_each_is_seen_as_it_is_to_its_user()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var (runs, stopped, rescued, elsewhere) = (await hosts.SpawnAsync(), await hosts.SpawnAsync(), await hosts.SpawnAsync(), hosts.NewInstance());
        await hosts.SourceDriver.PowerOffAsync(hosts.Step(stopped), CancellationToken.None);
        await RescueAsync(hosts, rescued);

        var infos = await hosts.SourceDriver.GetInfosAsync([runs, stopped, rescued, elsewhere], CancellationToken.None);

        Assert.Equal(
            new[] { (runs.Uuid, PowerState.Running), (stopped.Uuid, PowerState.Shutdown), (rescued.Uuid, PowerState.Running) }.Order(),
            infos.Select(i => (i.Key, i.Value.PowerState)).Order());
        Assert.Equal(runs.Uuid, Assert.Single(await hosts.SourceDriver.GetInfosAsync([runs], CancellationToken.None)).Key);
        Assert.Empty(await hosts.DestinationDriver.GetInfosAsync([runs, stopped, rescued], CancellationToken.None));
    }

    private static Task RescueAsync(TwoHosts hosts, Instance server, CancellationToken cancellation = default) =>
        hosts.SourceDriver.RescueAsync(hosts.Step(server, withImage: true), cancellation);

    private static Task UnrescueAsync(TwoHosts hosts, Instance server, CancellationToken cancellation = default) => hosts.SourceDriver.UnrescueAsync(hosts.Step(server), cancellation);

    private static async Task AssertRescuedAsync(TwoHosts hosts, Instance server)
    {
        Assert.Equal(PowerState.Running, (await hosts.SourceDriver.GetInfoAsync(server, CancellationToken.None))!.PowerState);
        var (_, own) = await hosts.Source.VmAsync(server);
        Assert.Equal("Halted", own["power_state"]!.GetValue<string>());
        Assert.Equal("Running", (await RescueVmAsync(hosts, server)).Record["power_state"]!.GetValue<string>());
        Assert.Equal(2, (await hosts.Source.VmsAsync()).Count);
        Assert.Equal(2, (await hosts.Source.DisksAsync()).Count);
        Assert.Equal(4, own["blocked_operations"]!.AsObject().Count);
    }

    private static async Task AssertBackAsync(TwoHosts hosts, Instance server, string state = "Running")
    {
        var (_, own) = Assert.Single(await hosts.Source.VmsAsync());
        Assert.Equal(server.Uuid, own["other_config"]!["nova_uuid"]!.GetValue<string>());
        Assert.Equal(state, own["power_state"]!.GetValue<string>());
        Assert.False(own["other_config"]!.AsObject().ContainsKey("nova_power_state_before_rescue"));
        Assert.Empty(own["blocked_operations"]!.AsObject());
        Assert.Single(await hosts.Source.DisksAsync());
    }

    private static async Task<(string Reference, JsonNode Record)> RescueVmAsync(TwoHosts hosts, Instance server)
    {
        var vm = Assert.Single(await hosts.Source.VmsAsync(), v => v.Value["other_config"]!["nova_rescue"]?.GetValue<string>() == server.Uuid);
        return (vm.Key, vm.Value);
    }

    private static async Task<Dictionary<string, JsonNode>> DisksAsync(TwoHosts hosts, JsonNode vm)
    {
        var disks = new Dictionary<string, JsonNode>();
        foreach (var reference in vm["VBDs"]!.AsArray())
        {
            var vbd = (await hosts.Source.CallAsync("VBD.get_record", reference!.GetValue<string>()))!;
            disks[vbd["userdevice"]!.GetValue<string>()] = (await hosts.Source.CallAsync("VDI.get_record", vbd["VDI"]!.GetValue<string>()))!;
        }

        return disks;
    }

    private static async Task<string> MacAsync(TwoHosts hosts, JsonNode vm) =>
        (await hosts.Source.CallAsync("VIF.get_MAC", Assert.Single(vm["VIFs"]!.AsArray())!.GetValue<string>()))!.GetValue<string>();
}
