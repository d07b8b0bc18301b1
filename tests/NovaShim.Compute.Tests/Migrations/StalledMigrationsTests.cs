using NovaShim.Compute.Hosts;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;

namespace NovaShim.Compute.Tests.Migrations;

/// <summary>Hosts that die in the midst of a migration and stay away: no server stays in RESIZE, and none is started twice.</summary>
public sealed class StalledMigrationsTests : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);
    private readonly HandDriven _plane = new();

    public void Dispose() => _plane.Dispose();

    [Fact]
    public async Task A_destination_that_dies_while_it_prepares_gives_the_server_back_at_once_and_is_swept_when_it_returns()
    {
        var server = await ResizingAsync(dies: "two", at: "prepare_destination");
        await _plane.PassAsync(Long);
        await _plane.SettleAsync();

        var back = await _plane.ServerAsync(server);
        Assert.Equal((VmStates.Active, null, "one", null), (back.VmState, back.TaskState, back.Host, back.MigrationUuid));
        var migration = await _plane.MigrationAsync(server);
        Assert.Equal((MigrationStatus.Error, ResizeMigration.RevertResize, "two"), (migration.Status, migration.Saga.Step, migration.Saga.Actor));
        Assert.Contains("nova-compute of host two has not been heard of since", migration.Saga.Fault, StringComparison.Ordinal);
        var action = Assert.Single(await _plane.Outside.Collection<InstanceActionDocument>().ListAsync(_plane.Outside.Collection<InstanceActionDocument>().Query(), default));
        Assert.Contains("host two", action.Message, StringComparison.Ordinal);
        Assert.Single(_plane.World.Preparations);

        await ComesBackAsync("two");
        await AssertBackAsync(server, MigrationStatus.Error);
    }

    [Fact]
    public async Task A_destination_that_was_never_asked_is_not_waited_for()
    {
        var server = await ResizingAsync(dies: "two", at: null);
        await _plane.PassAsync(Long);
        await _plane.SettleAsync();
        await AssertBackAsync(server, MigrationStatus.Error);
        Assert.DoesNotContain(_plane.World.Calls, c => c == "revert@two");
    }

    [Fact]
    public async Task A_server_on_a_silent_host_that_was_never_asked_stays_as_it_was()
    {
        var server = await _plane.BootedAsync();
        await _plane.PassAsync(Long);
        _plane.Kill("one");
        await _plane.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        await _plane.SettleAsync();
        await _plane.PassAsync(Long);
        await _plane.SettleAsync();
        Assert.Empty(_plane.World.Calls);
        await AssertBackAsync(server.Uuid, MigrationStatus.Error);
    }

    [Theory]
    [InlineData("prepare_source")]
    [InlineData("migrate_disk")]
    public async Task A_source_that_dies_is_named_in_the_fault_and_the_server_leaves_error_when_it_returns(string at)
    {
        var server = await ResizingAsync(dies: "one", at);
        await _plane.PassAsync(Long);
        await _plane.SettleAsync();
        await _plane.PassAsync(Long);

        var stuck = await _plane.ServerAsync(server);
        Assert.Equal(VmStates.Error, stuck.VmState);
        Assert.Contains("finish_revert_resize waits for host one to come back", stuck.Fault!.Message, StringComparison.Ordinal);
        var shown = stuck.Revision;
        await _plane.PassAsync(Long);
        Assert.Equal(shown, (await _plane.ServerAsync(server)).Revision);

        await ComesBackAsync("one");
        await AssertBackAsync(server, MigrationStatus.Error);
    }

    [Fact]
    public async Task A_destination_that_dies_while_it_finishes_is_waited_for_because_the_server_may_run_there()
    {
        var server = await ResizingAsync(dies: "two", at: "finish");
        await _plane.PassAsync(Long);
        await _plane.SettleAsync();

        var stuck = await _plane.ServerAsync(server);
        Assert.Equal(VmStates.Error, stuck.VmState);
        Assert.Contains("finish_resize waits for host two to come back", stuck.Fault!.Message, StringComparison.Ordinal);
        Assert.False(_plane.World.Vms[("one", server)].Running);

        await ComesBackAsync("two");
        var arrived = await _plane.ServerAsync(server);
        Assert.Equal((VmStates.Resized, "two", null), (arrived.VmState, arrived.Host, arrived.Fault));
        Assert.Empty(_plane.World.Violations);
    }

    [Theory]
    [InlineData("confirm", "one")]
    [InlineData("revert", "two")]
    [InlineData("finish_revert", "one")]
    public async Task A_host_that_dies_at_the_end_is_waited_for_and_named(string verb, string host)
    {
        var server = await ResizedAsync();
        DiesAt(host, verb);
        await (verb == "confirm" ? _plane.Api.ConfirmResizeAsync(server, TestCloud.NewContext(), default) : _plane.Api.RevertResizeAsync(server, TestCloud.NewContext(), default));
        await _plane.SettleAsync();
        await _plane.PassAsync(Long);

        var stuck = await _plane.ServerAsync(server.Uuid);
        Assert.Equal(VmStates.Error, stuck.VmState);
        Assert.Contains($"waits for host {host} to come back", stuck.Fault!.Message, StringComparison.Ordinal);

        await ComesBackAsync(host);
        if (verb == "confirm")
        {
            var confirmed = await _plane.ServerAsync(server.Uuid);
            Assert.Equal((VmStates.Active, "two", null, null), (confirmed.VmState, confirmed.Host, confirmed.Fault, confirmed.MigrationUuid));
            Assert.Single(_plane.World.Vms);
        }
        else
        {
            await AssertBackAsync(server.Uuid, MigrationStatus.Reverted);
        }
    }

    [Fact]
    public async Task A_confirm_does_not_destroy_the_source_while_nobody_knows_how_the_destination_stands()
    {
        var server = await ResizedAsync();
        _plane.Kill("two");
        await _plane.Api.ConfirmResizeAsync(server, TestCloud.NewContext(), default);
        await _plane.SettleAsync();
        await _plane.PassAsync(Long);
        await _plane.SettleAsync();

        var waiting = await _plane.ServerAsync(server.Uuid);
        Assert.Equal((VmStates.Resized, null, "two", null), (waiting.VmState, waiting.TaskState, waiting.Host, waiting.Fault));
        Assert.Contains("host two has not been heard of", (await _plane.MigrationAsync(server.Uuid)).Saga.Fault, StringComparison.Ordinal);
        Assert.Equal(2, _plane.World.Vms.Count);

        await ComesBackAsync("two");
        await _plane.Api.ConfirmResizeAsync(waiting, TestCloud.NewContext(), default);
        await _plane.SettleAsync();
        Assert.Equal("two", Assert.Single(_plane.World.Vms).Key.Host);
        Assert.Empty(_plane.World.Violations);
    }

    [Fact]
    public async Task What_only_writes_down_what_was_reached_is_done_without_the_host()
    {
        var server = await ResizedAsync();
        await _plane.Api.RevertResizeAsync(server, TestCloud.NewContext(), default);
        await _plane.WorkAsync("two");
        _plane.World.AfterEffect = (verb, _) => _plane.ViewOf("one").DiesAfterWrites = verb == "finish_revert" ? 2 : null; // The action log, and the step.
        await _plane.SettleAsync();
        Assert.False(_plane.IsAlive("one"));
        Assert.Equal(ResizeMigration.Reverted, (await _plane.MigrationAsync(server.Uuid)).Saga.Step);

        await _plane.PassAsync(Long);
        await _plane.SettleAsync();
        await AssertBackAsync(server.Uuid, MigrationStatus.Reverted);
    }

    [Fact]
    public async Task A_delete_finds_the_server_at_the_destination_although_that_was_never_shown()
    {
        var server = await ResizingAsync(dies: "two", at: null);
        _plane.Start("two");
        await _plane.WorkAsync("two");
        await _plane.WorkAsync("one");
        _plane.World.AfterEffect = (verb, _) => _plane.ViewOf("two").DiesAfterWrites = verb == "finish" ? 2 : null; // The action log, and the step.
        await _plane.WorkAsync("two");
        Assert.Equal((MigrationStatus.Finished, ResizeMigration.VerifyResize), await _plane.MigrationAsync(server) is var m ? (m.Status, m.Saga.Step) : default);

        await _plane.Api.DeleteAsync(await _plane.ServerAsync(server), TestCloud.NewContext(), default);
        await _plane.SettleAsync();
        await ComesBackAsync("two");
        Assert.True((await _plane.ServerAsync(server)).Deleted);
        Assert.Empty(_plane.World.Vms);
    }

    [Fact]
    public async Task A_host_that_works_is_left_alone_however_silent_it_is()
    {
        var server = await ResizingAsync(dies: "two", at: null);
        _plane.Start("two");
        _plane.World.Gates["prepare_destination"] = new TaskCompletionSource();
        var working = _plane.WorkAsync("two");
        for (var heartbeat = 0; heartbeat < 60; heartbeat++)
        {
            // Its work goes on, but it does not say that it lives.
            _plane.Time.Advance(TimeSpan.FromSeconds(2));
            await TestCloud.PollAsync(() => _plane.MigrationAsync(server), m => m.Saga.IsLeased(_plane.Time.GetUtcNow().UtcDateTime));
            await _plane.TendAsync();
        }

        _plane.World.Gates.Remove("prepare_destination", out var gate);
        gate!.SetResult();
        await working;
        await _plane.SettleAsync();
        Assert.Equal(VmStates.Resized, (await _plane.ServerAsync(server)).VmState);
    }

    [Fact]
    public async Task A_host_that_returns_at_the_same_moment_and_the_one_that_gives_it_up_do_not_both_act()
    {
        for (var writes = 1; writes <= 6; writes++)
        {
            using var plane = new HandDriven();
            var server = await plane.BootedAsync();
            await plane.PassAsync(Long);
            await plane.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
            await plane.WorkAsync(Actors.Scheduler);
            await plane.WorkAsync("one");
            plane.World.AfterEffect = (verb, _) => { if (verb == "prepare_destination") { plane.Kill("two"); } };
            await plane.WorkAsync("two");
            plane.World.AfterEffect = (_, _) => { };
            var given = (await plane.MigrationAsync(server.Uuid)).Saga.Step;
            Assert.Equal(ResizeMigration.PrepResize, given);

            // The scheduler reads, the host comes back and takes so many writes' worth of its step, then the scheduler writes.
            await plane.PassAsync(TimeSpan.FromSeconds(58));
            plane.Time.Advance(TimeSpan.FromSeconds(10));
            plane.Start("two");
            plane.ViewOf("two").DiesAfterWrites = writes;
            var raced = plane.ViewOf(Actors.Scheduler).BeforeNextWrite(() => plane.WorkAsync("two"));
            await plane.TendAsync();
            Assert.True(raced.Done);

            plane.Kill("two");
            plane.Start("two");
            await plane.BeatAsync();
            await plane.PassAsync(Long);
            await plane.SettleAsync();
            await plane.PassAsync(Long);
            await plane.SettleAsync();
            var end = await plane.ServerAsync(server.Uuid);
            var migration = await plane.MigrationAsync(server.Uuid);
            Assert.True((end.VmState, migration.Saga.Actor) is (VmStates.Resized or VmStates.Active, null), $"{end.VmState} {migration}");
            Assert.Single(plane.World.Vms, vm => vm.Value.Running);
            Assert.Empty(plane.World.Preparations);
            Assert.Empty(plane.World.Violations);
        }
    }

    [Fact]
    public async Task Nobody_is_given_up_by_a_scheduler_that_has_just_started()
    {
        var server = await ResizingAsync(dies: "two", at: "prepare_destination");
        _plane.Kill(Actors.Scheduler);
        _plane.Time.Advance(Long);
        _plane.Start(Actors.Scheduler);
        await _plane.TendAsync();
        Assert.Equal(ResizeMigration.PrepResize, (await _plane.MigrationAsync(server)).Saga.Step);
        await ComesBackAsync("two");
        Assert.Equal(VmStates.Resized, (await _plane.ServerAsync(server)).VmState);
    }

    [Fact]
    public async Task A_resize_whose_new_host_is_silent_does_not_confirm_itself()
    {
        using var plane = new HandDriven(new ComputeOptions { ResizeConfirmWindow = 100 });
        var server = await plane.BootedAsync();
        await plane.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        await plane.SettleAsync();
        plane.Kill("two");
        await plane.PassAsync(Long);
        await plane.SettleAsync();
        Assert.Equal(VmStates.Resized, (await plane.ServerAsync(server.Uuid)).VmState);
        Assert.Equal(2, plane.World.Vms.Count);
    }

    private async Task<string> ResizingAsync(string dies, string? at)
    {
        var server = await _plane.BootedAsync();
        await _plane.PassAsync(Long);
        await _plane.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        if (at is null)
        {
            await _plane.WorkAsync(Actors.Scheduler);
            _plane.Kill(dies);
        }

        DiesAt(dies, at);
        await _plane.SettleAsync();
        Assert.False(_plane.IsAlive(dies));
        Assert.Equal(VmStates.Resizing, (await _plane.ServerAsync(server.Uuid)).VmState);
        return server.Uuid;
    }

    private async Task<InstanceDocument> ResizedAsync()
    {
        var server = await _plane.BootedAsync();
        await _plane.PassAsync(Long);
        await _plane.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        await _plane.SettleAsync();
        return await _plane.ServerAsync(server.Uuid);
    }

    private void DiesAt(string host, string? verb) => _plane.World.AfterEffect = (did, at) =>
    {
        if (did == verb && at == host)
        {
            _plane.Kill(host);
        }
    };

    private async Task ComesBackAsync(string host)
    {
        _plane.World.AfterEffect = (_, _) => { };
        _plane.Start(host);
        await _plane.PassAsync(Long);
        await _plane.SettleAsync();
    }

    private async Task AssertBackAsync(string uuid, string status)
    {
        var (server, migration) = (await _plane.ServerAsync(uuid), await _plane.MigrationAsync(uuid));
        Assert.Equal((VmStates.Active, null, "one", null, null), (server.VmState, server.TaskState, server.Host, server.MigrationUuid, server.Fault));
        Assert.Equal((status, null), (migration.Status, migration.Saga.Actor));
        var vm = Assert.Single(_plane.World.Vms);
        Assert.True(vm.Value is { Running: true, Blocked: false });
        Assert.Empty(_plane.World.Preparations);
        Assert.Empty(_plane.World.Violations);
        Assert.Single((await _plane.Outside.Collection<ComputeNodeDocument>().GetAsync("one", default))!.Claims);
        Assert.Empty((await _plane.Outside.Collection<ComputeNodeDocument>().GetAsync("two", default))!.Claims);
    }
}
