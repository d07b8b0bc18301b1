using NovaShim.Sdk;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests;

/// <summary>Migrations of servers that do not run.</summary>
public sealed class MigrationOfStoppedTests
{
    [Fact]
    public async Task A_stopped_server_arrives_stopped_and_whole_and_starts_when_it_is_told_to()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        await hosts.SourceDriver.PowerOffAsync(hosts.Step(server), CancellationToken.None);
        var run = hosts.Migration(server, powerOn: false);

        await run.PrepareAsync();
        await run.CopyAsync();
        await run.FinishAsync(await run.FinishAsync());

        Assert.Equal((PowerState.Shutdown, PowerState.Shutdown), await StatesAsync(hosts, server));
        Assert.Null(run.Progress.StoppedAt);
        Assert.Null(run.Progress.StartedAt);
        Assert.All(run.Progress.Rounds, r => Assert.False(r.GuestRunning));
        Assert.Empty(hosts.Destination.Leftovers());
        var root = Assert.Single(await hosts.Destination.DisksAsync());
        Assert.Equal(1L << 30, root.Value["virtual_size"]!.GetValue<long>());

        await run.ConfirmAsync();
        Assert.Empty(await hosts.Source.VmsAsync());
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
        await hosts.DestinationDriver.PowerOnAsync(hosts.Step(server), CancellationToken.None);
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
    }

    [Theory]
    [InlineData("copied")]
    [InlineData("finished")]
    public async Task A_stopped_server_that_goes_back_is_stopped_and_can_be_started(string after)
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        await hosts.SourceDriver.PowerOffAsync(hosts.Step(server), CancellationToken.None);
        var run = hosts.Migration(server, powerOn: false);
        await run.PrepareAsync();
        await run.CopyAsync();
        if (after == "finished")
        {
            await run.FinishAsync();
            await run.RevertAsync();
        }
        else
        {
            await run.UnwindAsync();
        }

        Assert.Equal((PowerState.Shutdown, null), await StatesAsync(hosts, server));
        Assert.Empty(await hosts.Destination.DisksAsync());
        Assert.Empty(hosts.Source.Leftovers());
        await hosts.SourceDriver.PowerOnAsync(hosts.Step(server), CancellationToken.None);
        await hosts.WriteAsync(server);
    }

    [Fact]
    public async Task A_paused_or_suspended_server_is_not_moved()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        foreach (var (into, outOf) in new (Func<InstanceStepContext, CancellationToken, Task>, Func<InstanceStepContext, CancellationToken, Task>)[]
        {
            (hosts.SourceDriver.PauseAsync, hosts.SourceDriver.UnpauseAsync), (hosts.SourceDriver.SuspendAsync, hosts.SourceDriver.ResumeAsync),
        })
        {
            await into(hosts.Step(server), CancellationToken.None);
            var refused = await Assert.ThrowsAsync<StepFailedException>(() => hosts.Migration(server).PrepareAsync());
            Assert.Equal(StepRecovery.Unwind, refused.Recovery);
            Assert.Empty(hosts.Source.Leftovers());
            await outOf(hosts.Step(server), CancellationToken.None);
            await hosts.WriteAsync(server);
        }
    }

    [Fact]
    public async Task Every_disk_of_a_flavor_moves_and_grows_and_what_the_new_flavor_asks_for_beside_is_made()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var before = TwoHosts.Small with { EphemeralGb = 1 };
        var server = await hosts.SpawnAsync(flavor: before);
        Assert.Equal([64L << 20, 1L << 30], (await hosts.Source.DisksAsync()).Values.Select(d => d["virtual_size"]!.GetValue<long>()).Order());
        var run = hosts.Migration(server, TwoHosts.Large with { EphemeralGb = 2, Swap = 64 });

        await run.ForwardAsync();
        await run.FinishAsync();
        Assert.Equal([64L << 20, 1L << 30, 2L << 30], (await hosts.Destination.DisksAsync()).Values.Select(d => d["virtual_size"]!.GetValue<long>()).Order());
        var (_, vm) = await hosts.Destination.VmAsync(server);
        var places = new List<string>();
        foreach (var vbd in vm["VBDs"]!.AsArray())
        {
            places.Add((await hosts.Destination.CallAsync("VBD.get_userdevice", vbd!.GetValue<string>()))!.GetValue<string>());
        }

        Assert.Equal(["0", "2", "4"], places.Order());
        await run.RevertAsync();
        Assert.Empty(await hosts.Destination.DisksAsync());
        Assert.Equal((PowerState.Running, null), await StatesAsync(hosts, server));
    }

    private static async Task<(PowerState?, PowerState?)> StatesAsync(TwoHosts hosts, Instance server) => (
        (await hosts.SourceDriver.GetInfoAsync(server, CancellationToken.None))?.PowerState, (await hosts.DestinationDriver.GetInfoAsync(server, CancellationToken.None))?.PowerState);
}
