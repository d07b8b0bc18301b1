using NovaShim.Compute.Images;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Tests.Servers;

/// <summary>What is done to servers where they are: every action from every state it is taken in, through a death at every write and around every effect, twice, and failing.</summary>
public sealed class ServerActionTests
{
    /// <summary>Action by verb, the vm_state it begins in, the one it ends in, the power state then, and the driver's verb that does it.</summary>
    public static TheoryData<string, string, string, PowerState, string> Actions => new()
    {
        { "stop", VmStates.Active, VmStates.Stopped, PowerState.Shutdown, "power_off" },
        { "stop", VmStates.Error, VmStates.Stopped, PowerState.Shutdown, "power_off" },
        { "start", VmStates.Stopped, VmStates.Active, PowerState.Running, "power_on" },
        { "pause", VmStates.Active, VmStates.Paused, PowerState.Paused, "pause" },
        { "unpause", VmStates.Paused, VmStates.Active, PowerState.Running, "unpause" },
        { "suspend", VmStates.Active, VmStates.Suspended, PowerState.Suspended, "suspend" },
        { "resume", VmStates.Suspended, VmStates.Active, PowerState.Running, "resume" },
        { "rescue", VmStates.Active, VmStates.Rescued, PowerState.Running, "rescue" },
        { "rescue", VmStates.Stopped, VmStates.Rescued, PowerState.Running, "rescue" },
        { "unrescue", VmStates.Rescued, VmStates.Active, PowerState.Running, "unrescue" },
        { "rebuild", VmStates.Active, VmStates.Active, PowerState.Running, "spawn" },
        { "rebuild", VmStates.Stopped, VmStates.Stopped, PowerState.Shutdown, "spawn" },
        { "rebuild", VmStates.Error, VmStates.Active, PowerState.Running, "spawn" },
        { "createImage", VmStates.Active, VmStates.Active, PowerState.Running, "snapshot" },
        { "createImage", VmStates.Stopped, VmStates.Stopped, PowerState.Shutdown, "snapshot" },
        { "createImage", VmStates.Paused, VmStates.Paused, PowerState.Paused, "snapshot" },
        { "createBackup", VmStates.Suspended, VmStates.Suspended, PowerState.Suspended, "snapshot" },
        { "changePassword", VmStates.Active, VmStates.Active, PowerState.Running, "set_admin_password" },
        { "injectNetworkInfo", VmStates.Active, VmStates.Active, PowerState.Running, "inject_network_info" },
        { "resetNetwork", VmStates.Active, VmStates.Active, PowerState.Running, "reset_network" },
        { "shelve", VmStates.Active, VmStates.ShelvedOffloaded, PowerState.NoState, "snapshot" },
        { "shelve", VmStates.Stopped, VmStates.ShelvedOffloaded, PowerState.NoState, "snapshot" },
        { "unshelve", VmStates.ShelvedOffloaded, VmStates.Active, PowerState.Running, "spawn" },
    };

    [Theory]
    [MemberData(nameof(Actions))]
    public async Task An_action_leads_where_the_table_says(string verb, string from, string to, PowerState power, string effect)
    {
        using var plane = new HandDriven();
        var server = await plane.InStateAsync(from);
        var action = ServerAction.All.Single(a => a.Verb == verb);

        await plane.BeginAsync(server, verb);
        Assert.Equal((from, action.TaskState), await plane.StateAsync(server));
        await plane.SettleAsync();

        await AssertDoneAsync(plane, server, verb, from, to, power);
        Assert.Contains(plane.World.Calls, c => c.StartsWith(effect + "@", StringComparison.Ordinal));
        var log = Assert.Single(plane.Store.All<InstanceActionDocument>(), a => a.InstanceUuid == server.Uuid && a.Action == verb);
        Assert.All(log.Events, e => Assert.Equal("Success", e.Result));
        Assert.Contains(log.Events, e => e.Event == "compute_" + action.Step);
    }

    [Theory]
    [MemberData(nameof(Actions))]
    public async Task An_action_may_run_twice(string verb, string from, string to, PowerState power, string effect)
    {
        using var plane = new HandDriven();
        var server = await plane.InStateAsync(from);
        plane.World.Twice = true;

        await plane.BeginAsync(server, verb);
        await plane.SettleAsync();

        await AssertDoneAsync(plane, server, verb, from, to, power);
        Assert.NotEmpty(effect);
    }

    [Theory]
    [MemberData(nameof(Actions))]
    public async Task A_host_that_dies_at_any_write_finishes_the_action_when_it_is_back(string verb, string from, string to, PowerState power, string effect)
    {
        var deaths = 0;
        for (var write = 1; ; write++, deaths++)
        {
            using var plane = new HandDriven();
            var server = await plane.InStateAsync(from);
            await plane.BeginAsync(server, verb);
            await plane.WorkAsync(Actors.Scheduler);
            var host = (await plane.ServerAsync(server.Uuid)).Host!;
            plane.ViewOf(host).DiesAfterWrites = write;
            await plane.SettleAsync();
            var survived = plane.IsAlive(host);
            plane.Kill(host);
            plane.Start(host);
            plane.Time.Advance(TimeSpan.FromSeconds(20));
            await plane.SettleAsync();

            await AssertDoneAsync(plane, server, verb, from, to, power);
            if (survived)
            {
                break;
            }
        }

        Assert.True(deaths >= 3, $"{verb} ({effect}) died {deaths} times only");
    }

    [Theory]
    [MemberData(nameof(Actions))]
    public async Task A_host_that_dies_around_the_effect_finishes_the_action_when_it_is_back(string verb, string from, string to, PowerState power, string effect)
    {
        foreach (var after in new[] { false, true })
        {
            using var plane = new HandDriven();
            var server = await plane.InStateAsync(from);
            await plane.BeginAsync(server, verb);
            void Die(string at, string host, bool wanted)
            {
                if (at == effect && wanted)
                {
                    plane.Kill(host);
                }
            }

            plane.World.BeforeEffect = (at, host) => Die(at, host, !after);
            plane.World.AfterEffect = (at, host) => Die(at, host, after);
            await plane.SettleAsync();
            (plane.World.BeforeEffect, plane.World.AfterEffect) = ((_, _) => { }, (_, _) => { });
            var host = Assert.Single(plane.Hosts, h => !plane.IsAlive(h));
            plane.Start(host);
            plane.Time.Advance(TimeSpan.FromSeconds(20));
            await plane.SettleAsync();

            await AssertDoneAsync(plane, server, verb, from, to, power);
        }
    }

    [Theory]
    [MemberData(nameof(Actions))]
    public async Task A_failure_that_passes_is_overcome(string verb, string from, string to, PowerState power, string effect)
    {
        using var plane = new HandDriven();
        var server = await plane.InStateAsync(from);
        plane.World.Fail(effect, times: 2);

        await plane.BeginAsync(server, verb);
        for (var tries = 0; tries < 4; tries++)
        {
            await plane.SettleAsync();
            await plane.PassAsync(TimeSpan.FromSeconds(10));
        }

        await AssertDoneAsync(plane, server, verb, from, to, power);
    }

    [Theory]
    [MemberData(nameof(Actions))]
    public async Task A_failure_for_good_puts_the_server_back_with_the_reason(string verb, string from, string to, PowerState power, string effect)
    {
        using var plane = new HandDriven();
        var server = await plane.InStateAsync(from);
        var (vms, images) = (plane.World.Vms.ToDictionary(), plane.Store.All<ImageDocument>().Count);
        plane.World.Fail(effect, times: 1, () => new VerbNotSupportedException(effect));

        await plane.BeginAsync(server, verb);
        await plane.SettleAsync();

        var back = await plane.ServerAsync(server.Uuid);
        var expected = verb == "rebuild" ? VmStates.Error : from;
        Assert.Equal((expected, null, null), (back.VmState, back.TaskState, back.Work));
        Assert.Equal(server.Host, back.Host);
        Assert.Contains($"does not support {effect}", back.Fault!.Message, StringComparison.Ordinal);
        var log = Assert.Single(plane.Store.All<InstanceActionDocument>(), a => a.InstanceUuid == server.Uuid && a.Action == verb);
        Assert.Contains($"does not support {effect}", log.Message, StringComparison.Ordinal);
        Assert.Equal(images, plane.Store.All<ImageDocument>().Count);
        Assert.Empty(plane.World.Violations);
        if (verb == "shelve")
        {
            // It was shut down for the shelf.
            Assert.Equal(vms, plane.World.Vms);
        }

        if (verb == "unshelve")
        {
            Assert.Empty(plane.World.Vms);
            Assert.All(plane.Store.All<NovaShim.Compute.Hosts.ComputeNodeDocument>(), n => Assert.Empty(n.Claims));
        }

        // What failed can be asked for again.
        if (back.VmState != VmStates.Error || ServerAction.All.Single(a => a.Verb == verb).From.Contains(VmStates.Error))
        {
            await plane.BeginAsync(back, verb);
            await plane.SettleAsync();
            Assert.Equal((verb == "rebuild" ? VmStates.Active : to, null), await plane.StateAsync(server));
            Assert.True(verb == "rebuild" || (await plane.ServerAsync(server.Uuid)).PowerState == power);
        }
    }

    [Fact]
    public async Task Every_action_is_refused_in_every_state_that_its_row_does_not_name()
    {
        string[] states = [VmStates.Building, VmStates.Active, VmStates.Stopped, VmStates.Paused, VmStates.Suspended, VmStates.Rescued, VmStates.Resizing, VmStates.Resized, VmStates.Shelved, VmStates.ShelvedOffloaded, VmStates.Error];
        var refusals = 0;
        foreach (var action in ServerAction.All)
        {
            foreach (var state in states)
            {
                using var plane = new HandDriven();
                var server = await plane.InStateAsync(state);
                if (action.From.Contains(state))
                {
                    await plane.BeginAsync(server, action.Verb);
                    server = await plane.ServerAsync(server.Uuid);
                }

                var images = plane.Store.All<ImageDocument>().Count;
                var e = await Assert.ThrowsAsync<InstanceInvalidStateException>(() => plane.BeginAsync(server, action.Verb));

                var (why, value) = action.From.Contains(state) ? ("task_state", action.TaskState) : ("vm_state", state);
                Assert.Equal($"Cannot '{action.Verb}' instance {server.Uuid} while it is in {why} {value}", e.Message);
                Assert.Equal($"Cannot '{action.Verb}' while instance is in {why} {value}", e.LegacyMessage);
                Assert.Equal(server, await plane.ServerAsync(server.Uuid));
                Assert.Equal(images, plane.Store.All<ImageDocument>().Count);
                refusals++;
            }
        }

        Assert.Equal(ServerAction.All.Count * states.Length, refusals);
    }

    [Fact]
    public async Task What_waits_for_a_silent_host_says_so_and_is_done_when_it_is_back()
    {
        using var plane = new HandDriven();
        var server = await plane.BootedAsync();
        await plane.PassAsync(TimeSpan.FromMinutes(5));
        plane.Kill("one");
        await plane.BeginAsync(server, "stop");
        await plane.PassAsync(TimeSpan.FromMinutes(5));
        var stuck = await plane.ServerAsync(server.Uuid);
        Assert.Equal((VmStates.Error, TaskStates.PoweringOff), (stuck.VmState, stuck.TaskState));
        Assert.Contains("stop_instance waits for host one", stuck.Fault!.Message, StringComparison.Ordinal);

        plane.Start("one");
        await plane.PassAsync(TimeSpan.FromMinutes(1));
        await plane.SettleAsync();

        Assert.Equal((VmStates.Stopped, null), await plane.StateAsync(server));
        Assert.Null((await plane.ServerAsync(server.Uuid)).Fault);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_that_is_shut_down_is_resized_and_stays_so(bool confirmed)
    {
        using var plane = new HandDriven();
        plane.World.Twice = true;
        var server = await plane.BootedAsync(vmState: VmStates.Stopped);
        await plane.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        await plane.SettleAsync();
        var arrived = await plane.ServerAsync(server.Uuid);
        Assert.Equal((VmStates.Resized, PowerState.Shutdown, "two"), (arrived.VmState, arrived.PowerState, arrived.Host));
        Assert.DoesNotContain(plane.World.Vms, v => v.Value.Running);

        await (confirmed ? plane.Api.ConfirmResizeAsync(arrived, TestCloud.NewContext(), default) : plane.Api.RevertResizeAsync(arrived, TestCloud.NewContext(), default));
        await plane.SettleAsync();

        var ended = await plane.ServerAsync(server.Uuid);
        Assert.Equal((VmStates.Stopped, null, PowerState.Shutdown), (ended.VmState, ended.TaskState, ended.PowerState));
        Assert.Equal(confirmed ? ("two", TestCloud.Big) : ("one", TestCloud.Small), (ended.Host, ended.Flavor));
        Assert.False(Assert.Single(plane.World.Vms).Value.Running);
        await plane.BeginAsync(ended, "start");
        await plane.SettleAsync();
        Assert.True(Assert.Single(plane.World.Vms).Value.Running);
    }

    [Fact]
    public async Task A_server_that_is_shut_down_comes_back_so_when_its_migration_fails()
    {
        using var plane = new HandDriven();
        var server = await plane.BootedAsync(vmState: VmStates.Stopped);
        plane.World.Fail("finish", 1, () => new StepFailedException("no", StepRecovery.Unwind));
        await plane.Api.MigrateAsync(server, TestCloud.NewContext(), default);
        await plane.SettleAsync();

        Assert.Equal((VmStates.Stopped, null), await plane.StateAsync(server));
        Assert.False(Assert.Single(plane.World.Vms).Value.Running);
    }

    [Fact]
    public async Task A_password_is_kept_no_longer_than_the_work()
    {
        using var plane = new HandDriven();
        var server = await plane.InStateAsync(VmStates.Active);
        await plane.BeginAsync(server, "changePassword");
        Assert.Equal("s3cret", (await plane.ServerAsync(server.Uuid)).Work!.Guest!.AdminPassword);
        await plane.SettleAsync();
        Assert.Equal("s3cret", plane.World.Vms[("one", server.Uuid)].Password);

        plane.World.Fail("set_admin_password", 1, () => new VerbNotSupportedException("set_admin_password"));
        await plane.BeginAsync(await plane.ServerAsync(server.Uuid), "changePassword");
        await plane.SettleAsync();

        Assert.Null((await plane.ServerAsync(server.Uuid)).Work);
    }

    private static async Task AssertDoneAsync(HandDriven plane, InstanceDocument server, string verb, string from, string to, PowerState power)
    {
        var now = await plane.ServerAsync(server.Uuid);
        Assert.Equal((to, null, power, null, null), (now.VmState, now.TaskState, now.PowerState, now.Fault, now.Work));
        Assert.Empty(plane.World.Violations);
        await plane.SweepImagesAsync();
        var made = plane.Store.All<ImageDocument>().Where(i => i.Uuid != HandDriven.ImageId).ToList();
        switch (verb)
        {
            case "createImage" or "createBackup":
                var image = Assert.Single(made);
                Assert.Equal((ImageStatuses.Active, "raw", 200_000, 1L << 30, 1), (image.Status, image.DiskFormat, (int)image.Size, image.VirtualSize, image.MinDisk));
                Assert.Equal(server.Uuid, image.Metadata[SnapshotProperties.InstanceUuid]);
                Assert.Single(plane.ImageFiles);
                break;
            case "shelve":
                Assert.Equal((null, null, Assert.Single(made).Uuid), (now.Host, now.Node, now.ShelvedImageId));
                Assert.Empty(plane.World.Vms);
                Assert.All(plane.Store.All<NovaShim.Compute.Hosts.ComputeNodeDocument>(), n => Assert.Empty(n.Claims));
                break;
            case "unshelve":
                Assert.Equal(server.ShelvedImageId, plane.World.Vms[(now.Host!, server.Uuid)].Image);
                Assert.Null(now.ShelvedImageId);
                Assert.Empty(made);
                Assert.Empty(plane.ImageFiles);
                break;
            case "rebuild":
                var vm = plane.World.Vms[("one", server.Uuid)];
                Assert.Equal((HandDriven.ImageId, "s3cret", "/etc/motd", "again"), (vm.Image, vm.Password, vm.Files, now.DisplayName));
                break;
            case "rescue":
                Assert.Equal((HandDriven.ImageId, "s3cret"), (plane.World.Vms[("one", server.Uuid)].RescueImage, plane.World.Vms[("one", server.Uuid)].Password));
                break;
            default:
                Assert.Equal((from, to), (from, now.VmState));
                break;
        }
    }
}
