using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Compute.Tests.Servers;

/// <summary>What becomes of servers without anybody's asking is seen, and nothing that somebody asked for is undone by it.</summary>
public sealed class InstanceSyncTests
{
    [Fact]
    public async Task Addresses_are_shown_when_the_guest_reports_them_and_kept_while_it_is_off()
    {
        using var plane = new HandDriven();
        plane.World.Addresses = [];
        var accepted = await plane.AcceptedAsync();
        await plane.SettleAsync();
        Assert.Equal(VmStates.Active, (await plane.ServerAsync(accepted.Uuid)).VmState);
        Assert.Empty((await plane.ServerAsync(accepted.Uuid)).Addresses);

        plane.World.Addresses = ["10.0.0.7", "2001:db8::7"];
        await plane.SyncAsync();
        Assert.Equal(["10.0.0.7", "2001:db8::7"], (await plane.ServerAsync(accepted.Uuid)).Addresses);

        await plane.BeginAsync(await plane.ServerAsync(accepted.Uuid), "stop");
        await plane.SettleAsync();
        await plane.SyncAsync();
        Assert.Equal(["10.0.0.7", "2001:db8::7"], (await plane.ServerAsync(accepted.Uuid)).Addresses);
    }

    [Fact]
    public async Task A_server_that_shuts_itself_down_or_is_gone_shows_it_in_its_power_state()
    {
        using var plane = new HandDriven();
        var server = await plane.BootedAsync();
        await plane.SyncAsync();
        var vm = plane.World.Vms[("one", server.Uuid)];

        plane.World.Vms[("one", server.Uuid)] = vm with { Running = false };
        await plane.SyncAsync();
        Assert.Equal((VmStates.Active, PowerState.Shutdown), await ShownAsync(plane, server));

        plane.World.Vms[("one", server.Uuid)] = vm;
        await plane.SyncAsync();
        Assert.Equal((VmStates.Active, PowerState.Running), await ShownAsync(plane, server));

        plane.World.Vms.Clear();
        await plane.SyncAsync();
        Assert.Equal((VmStates.Active, PowerState.NoState), await ShownAsync(plane, server));
    }

    [Fact]
    public async Task Where_nothing_has_changed_nothing_is_written_and_a_busy_server_is_left_alone()
    {
        using var plane = new HandDriven();
        var server = await plane.BootedAsync();
        await plane.SyncAsync();
        var before = (await plane.ServerAsync(server.Uuid)).Revision;
        await plane.SyncAsync();
        Assert.Equal(before, (await plane.ServerAsync(server.Uuid)).Revision);

        await plane.BeginAsync(await plane.ServerAsync(server.Uuid), "stop");
        before = (await plane.ServerAsync(server.Uuid)).Revision;
        plane.World.Vms[("one", server.Uuid)] = plane.World.Vms[("one", server.Uuid)] with { Running = false };
        await plane.SyncAsync();
        Assert.Equal(before, (await plane.ServerAsync(server.Uuid)).Revision);
    }

    [Fact]
    public async Task What_was_seen_before_an_action_does_not_undo_what_the_action_has_written()
    {
        using var plane = new HandDriven();
        var server = await plane.BootedAsync();
        var stopped = false;
        plane.World.WhenSeen = () =>
        {
            if (!stopped)
            {
                // The whole of a stop, between the look and the writing.
                stopped = true;
                plane.BeginAsync(plane.ServerAsync(server.Uuid).GetAwaiter().GetResult(), "stop").GetAwaiter().GetResult();
                plane.SettleAsync().GetAwaiter().GetResult();
            }
        };

        await plane.SyncAsync();

        Assert.True(stopped);
        Assert.Equal((VmStates.Stopped, PowerState.Shutdown), await ShownAsync(plane, server));
    }

    [Fact]
    public async Task A_host_that_cannot_be_asked_is_asked_again_at_the_next_interval()
    {
        using var plane = new HandDriven();
        var server = await plane.BootedAsync();
        var asked = 0;
        plane.World.WhenSeen = () =>
        {
            if (++asked == 1)
            {
                throw new InvalidOperationException("the hypervisor is away");
            }
        };
        using var stopping = new CancellationTokenSource();
        var loop = plane.SyncLoopAsync("one", stopping.Token);
        for (var tries = 0; (await plane.ServerAsync(server.Uuid)).Addresses.Count == 0; tries++)
        {
            Assert.True(tries < 1000 && !loop.IsCompleted, "it is not asked again");
            plane.Time.Advance(TimeSpan.FromSeconds(60));
            await Task.Delay(10);
        }

        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loop);
        Assert.True(asked > 1);
        Assert.Equal(["10.0.0.2"], (await plane.ServerAsync(server.Uuid)).Addresses);
    }

    private static async Task<(string VmState, PowerState PowerState)> ShownAsync(HandDriven plane, InstanceDocument server)
    {
        var now = await plane.ServerAsync(server.Uuid);
        return (now.VmState, now.PowerState);
    }
}
