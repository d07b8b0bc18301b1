using NovaShim.Sdk;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests;

/// <summary>Rebuild: the same VM on new disks.</summary>
public sealed class ServerRebuildTests
{
    [Fact]
    public async Task The_VM_stays_with_its_address_its_disks_are_new_and_the_old_ones_gone()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync(flavor: WithDisks);
        var (reference, before) = await hosts.Source.VmAsync(server);
        var old = (await hosts.Source.DisksAsync()).Keys.ToHashSet();
        Assert.Equal(3, old.Count);

        foreach (var (into, request) in new (Func<InstanceStepContext, CancellationToken, Task>, string)[]
        {
            ((_, _) => Task.CompletedTask, "req-1"), (hosts.SourceDriver.PowerOffAsync, "req-2"), (hosts.SourceDriver.PauseAsync, "req-3"), (hosts.SourceDriver.SuspendAsync, "req-4"),
            ((_, ct) => hosts.SourceDriver.RescueAsync(hosts.Step(server, withImage: true), ct), "req-5"),
        })
        {
            await into(hosts.Step(server), CancellationToken.None);
            await RebuildAsync(hosts, server, request);
            await RebuildAsync(hosts, server, request);

            var (now, vm) = await hosts.Source.VmAsync(server);
            Assert.Equal((reference, before["uuid"]!.GetValue<string>(), "Running"), (now, vm["uuid"]!.GetValue<string>(), vm["power_state"]!.GetValue<string>()));
            Assert.Equal(before["VIFs"]!.ToJsonString(), vm["VIFs"]!.ToJsonString());
            Assert.Single(await hosts.Source.VmsAsync());
            var disks = await hosts.Source.DisksAsync();
            Assert.Equal(3, disks.Count);
            Assert.DoesNotContain(disks.Keys, old.Contains);
            old.UnionWith(disks.Keys);
        }

        await hosts.WriteAsync(server);
        await hosts.SourceDriver.PowerOffAsync(hosts.Step(server), CancellationToken.None);
        Assert.Equal((1, true), await ServerPowerTests.JournalAsync(hosts, server));
    }

    [Fact]
    public async Task A_rebuild_that_dies_anywhere_is_taken_up_again()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync(flavor: WithDisks);
        var (reference, _) = await hosts.Source.VmAsync(server);
        var old = await hosts.Source.LeafAsync(server);
        var request = 0;

        await Faults.EverywhereAsync(
            hosts,
            [
                "VDI.create", "task.create", "VDI.remove_from_other_config", "VM.hard_shutdown", "VBD.destroy", "VBD.create", "VM.set_name_description", "VDI.destroy", "VM.start_on",
            ],
            ct => RebuildAsync(hosts, server, $"req-{request}", ct),
            async () =>
            {
                var (now, vm) = await hosts.Source.VmAsync(server);
                Assert.Equal((reference, "Running"), (now, vm["power_state"]!.GetValue<string>()));
                Assert.Equal(3, vm["VBDs"]!.AsArray().Count);
                Assert.Equal(3, (await hosts.Source.DisksAsync()).Count);
                Assert.NotEqual(old, await hosts.Source.LeafAsync(server));
            },
            async () =>
            {
                request++;
                old = await hosts.Source.LeafAsync(server);
            });
        await hosts.WriteAsync(server);
    }

    [Fact]
    public async Task An_image_that_cannot_be_taken_leaves_the_server_running_on_what_it_has()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var leaf = await hosts.Source.LeafAsync(server);
        var image = hosts.Step(server, withImage: true).Image!;

        foreach (var bad in new[] { image with { DiskFormat = "qcow2" }, image with { OpenRead = _ => throw new IOException("The image's store went away.") } })
        {
            await Assert.ThrowsAnyAsync<Exception>(
                () => hosts.SourceDriver.RebuildAsync(new TestInstanceStep { Instance = server, RequestId = "r", Image = bad }, CancellationToken.None));
            Assert.Equal(leaf, await hosts.Source.LeafAsync(server));
            await hosts.WriteAsync(server);
        }
    }

    [Fact]
    public async Task Without_a_VM_a_rebuild_is_a_build()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = hosts.NewInstance();

        await RebuildAsync(hosts, server, "req-1");
        await RebuildAsync(hosts, server, "req-1");

        await hosts.WriteAsync(server);
        Assert.Single(await hosts.Source.DisksAsync());
    }

    internal static Flavor WithDisks { get; } = TwoHosts.Small with { Swap = 64, EphemeralGb = 1 };

    private static Task RebuildAsync(TwoHosts hosts, Instance server, string request, CancellationToken cancellation = default) =>
        hosts.SourceDriver.RebuildAsync(hosts.Step(server, withImage: true, request), cancellation);
}
