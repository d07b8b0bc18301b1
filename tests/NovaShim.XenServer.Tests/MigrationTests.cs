using NovaShim.Sdk;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests;

/// <summary>Whole migrations between two simulated hosts.</summary>
public sealed class MigrationTests
{
    [Fact]
    public async Task A_running_server_arrives_whole_and_a_confirm_leaves_nothing_behind()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);

        await run.ForwardAsync();

        Assert.Equal(PowerState.Running, (await hosts.DestinationDriver.GetInfoAsync(server, CancellationToken.None))!.PowerState);
        Assert.Equal(PowerState.Shutdown, (await hosts.SourceDriver.GetInfoAsync(server, CancellationToken.None))!.PowerState);
        Assert.Empty(hosts.Destination.Leftovers());
        Assert.Empty(hosts.Source.Leftovers());

        await run.ConfirmAsync();

        Assert.Null(await hosts.SourceDriver.GetInfoAsync(server, CancellationToken.None));
        await Wait.UntilAsync(() => hosts.Source.VhdFiles().Count == 0, "the source's files are gone");
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
    }
}
