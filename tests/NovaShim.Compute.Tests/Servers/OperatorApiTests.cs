using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;

namespace NovaShim.Compute.Tests.Servers;

public sealed class OperatorApiTests : IDisposable
{
    private readonly HandDriven _plane = new();

    public void Dispose() => _plane.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task An_aborted_migration_is_taken_back_from_wherever_it_stands(int steps)
    {
        var server = await ResizingAsync(steps);
        var uuid = (await _plane.MigrationAsync(server.Uuid)).Uuid;
        await _plane.Operator.AbortMigrationAsync(uuid, default);
        await _plane.Operator.AbortMigrationAsync(uuid, default);
        await _plane.SettleAsync();

        var migration = await _plane.MigrationAsync(server.Uuid);
        Assert.Equal((MigrationStatus.Error, null, "An administrator has aborted the migration."), (migration.Status, migration.Saga.Actor, migration.Saga.Fault));
        Assert.Equal((VmStates.Active, null, "one"), (await _plane.ServerAsync(server.Uuid)) is var back ? (back.VmState, back.MigrationUuid, back.Host) : default);
        Assert.True(Assert.Single(_plane.World.Vms).Value is { Running: true, Blocked: false });
        Assert.Empty(_plane.World.Preparations);
        Assert.Contains("is over", await RefusedAsync(() => _plane.Operator.AbortMigrationAsync(uuid, default)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_step_that_runs_is_stopped_by_an_abort()
    {
        var server = await ResizingAsync(3);
        var gate = _plane.World.Gates["migrate_disk"] = new TaskCompletionSource();
        var copying = _plane.WorkAsync("one");
        await _plane.Operator.AbortMigrationAsync((await _plane.MigrationAsync(server.Uuid)).Uuid, default);
        _plane.Time.Advance(TimeSpan.FromSeconds(6));
        await copying.WaitAsync(TimeSpan.FromSeconds(60));
        _plane.World.Gates.Clear();
        await _plane.SettleAsync();
        Assert.False(gate.Task.IsCompleted);
        Assert.Equal(VmStates.Active, (await _plane.ServerAsync(server.Uuid)).VmState);
    }

    [Fact]
    public async Task There_is_no_abort_and_no_retry_of_what_waits_for_its_user_or_is_decided()
    {
        var server = await ResizingAsync(9);
        var uuid = (await _plane.MigrationAsync(server.Uuid)).Uuid;
        Assert.Contains("confirm or revert", await RefusedAsync(() => _plane.Operator.AbortMigrationAsync(uuid, default)), StringComparison.Ordinal);
        Assert.Contains("confirm or revert", await RefusedAsync(() => _plane.Operator.RetryMigrationAsync(uuid, default)), StringComparison.Ordinal);
        await _plane.Api.ConfirmResizeAsync(await _plane.ServerAsync(server.Uuid), TestCloud.NewContext(), default);
        Assert.Contains("no way back", await RefusedAsync(() => _plane.Operator.AbortMigrationAsync(uuid, default)), StringComparison.Ordinal);
        Assert.Null(await _plane.Operator.AbortMigrationAsync("nowhere", default));
        Assert.Null(await _plane.Operator.RetryMigrationAsync("nowhere", default));
    }

    [Fact]
    public async Task A_retry_ends_the_pause()
    {
        var server = await ResizingAsync(1);
        _plane.World.Fail("prepare_source", 1);
        await _plane.WorkAsync("one");
        Assert.False(await _plane.WorkAsync("one"));
        await _plane.Operator.RetryMigrationAsync((await _plane.MigrationAsync(server.Uuid)).Uuid, default);
        Assert.True(await _plane.WorkAsync("one"));
        Assert.Equal(ResizeMigration.PrepResize, (await _plane.MigrationAsync(server.Uuid)).Saga.Step);
    }

    [Fact]
    public async Task A_server_is_set_to_error_and_back_to_active()
    {
        var server = await _plane.BootedAsync();
        await _plane.Operator.ResetStateAsync(server, VmStates.Error, default);
        Assert.Equal((VmStates.Error, true), (await _plane.ServerAsync(server.Uuid)) is var error ? (error.VmState, error.Fault is not null) : default);
        await _plane.Operator.ResetStateAsync(server, VmStates.Active, default);
        Assert.Equal((VmStates.Active, false), (await _plane.ServerAsync(server.Uuid)) is var active ? (active.VmState, active.Fault is not null) : default);
    }

    [Fact]
    public async Task Work_that_nobody_does_is_dropped_with_the_state()
    {
        var server = await _plane.BootedAsync();
        _plane.Kill("one");
        await _plane.Api.DeleteAsync(server, TestCloud.NewContext(), default);
        await _plane.Operator.ResetStateAsync(server, VmStates.Active, default);
        _plane.Start("one");
        await _plane.SettleAsync();
        var kept = await _plane.ServerAsync(server.Uuid);
        Assert.Equal((VmStates.Active, null, null), (kept.VmState, kept.TaskState, kept.Work));
        Assert.Single(_plane.World.Vms);
    }

    [Fact]
    public async Task A_migration_that_has_the_say_keeps_it()
    {
        var server = await ResizingAsync(2);
        foreach (var state in new[] { VmStates.Active, VmStates.Error })
        {
            var refused = await Assert.ThrowsAsync<InstanceInvalidStateException>(() => _plane.Operator.ResetStateAsync(server, state, default));
            Assert.Contains("prep_resize with two", refused.Message, StringComparison.Ordinal);
        }

        await _plane.SettleAsync();
        Assert.Equal(VmStates.Resized, (await _plane.ServerAsync(server.Uuid)).VmState);
    }

    [Fact]
    public async Task A_server_whose_old_host_is_gone_is_freed_and_the_old_host_swept_when_it_returns()
    {
        var server = await ResizingAsync(9);
        _plane.Kill("one");
        await _plane.Api.ConfirmResizeAsync(await _plane.ServerAsync(server.Uuid), TestCloud.NewContext(), default);
        await _plane.WorkAsync("two");
        await _plane.PassAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(VmStates.Error, (await _plane.ServerAsync(server.Uuid)).VmState);

        await _plane.Operator.ResetStateAsync(server, VmStates.Active, default);
        await _plane.PassAsync(TimeSpan.FromMinutes(5));
        Assert.Equal((VmStates.Active, null, null), (await _plane.ServerAsync(server.Uuid)) is var freed ? (freed.VmState, freed.MigrationUuid, freed.TaskState) : default);

        _plane.Start("one");
        await _plane.BeatAsync();
        await _plane.SettleAsync();
        Assert.Equal("two", Assert.Single(_plane.World.Vms).Key.Host);
        Assert.Equal(MigrationStatus.Confirmed, (await _plane.MigrationAsync(server.Uuid)).Status);
        Assert.Equal(VmStates.Active, (await _plane.ServerAsync(server.Uuid)).VmState);
    }

    [Fact]
    public async Task A_server_does_not_go_where_its_last_migration_has_yet_to_be_swept_away()
    {
        var server = await ResizingAsync(9);
        _plane.World.Fail("confirm", 1);
        await _plane.Api.ConfirmResizeAsync(await _plane.ServerAsync(server.Uuid), TestCloud.NewContext(), default);
        await _plane.WorkAsync("two");
        await _plane.WorkAsync("one");
        await _plane.Operator.ResetStateAsync(server, VmStates.Active, default);
        await _plane.Api.MigrateAsync(await _plane.ServerAsync(server.Uuid), TestCloud.NewContext(), default);
        await _plane.WorkAsync(Actors.Scheduler);
        Assert.Contains("has yet to be swept", (await _plane.MigrationAsync(server.Uuid)).Saga.Waiting, StringComparison.Ordinal);

        await _plane.PassAsync(TimeSpan.FromSeconds(10));
        await _plane.SettleAsync();
        await _plane.PassAsync(TimeSpan.FromSeconds(10));
        await _plane.SettleAsync();
        Assert.Equal((VmStates.Resized, "one"), (await _plane.ServerAsync(server.Uuid)) is var arrived ? (arrived.VmState, arrived.Host) : default);
        Assert.True(_plane.World.Vms[("one", server.Uuid)].Running);
        Assert.Empty(_plane.World.Violations);
    }

    [Theory]
    [InlineData(VmStates.Active)]
    [InlineData(VmStates.Error)]
    public async Task A_server_that_is_being_destroyed_is_not_brought_back_by_a_word(string state)
    {
        var server = await _plane.BootedAsync();
        await _plane.Api.DeleteAsync(server, TestCloud.NewContext(), default);
        _plane.World.AfterEffect = (_, host) => _plane.Kill(host);
        await _plane.WorkAsync("one");
        await Assert.ThrowsAsync<InstanceInvalidStateException>(() => _plane.Operator.ResetStateAsync(server, state, default));
    }

    // Schedule, prep_source, prep_resize, resize_instance, finish_resize: whoever's turn it is, so many times.
    private async Task<InstanceDocument> ResizingAsync(int steps)
    {
        var server = await _plane.BootedAsync();
        await _plane.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        foreach (var actor in new[] { Actors.Scheduler, "one", "two", "one", "two" }.Take(steps))
        {
            Assert.True(await _plane.WorkAsync(actor));
        }

        return server;
    }

    private static async Task<string> RefusedAsync(Func<Task> act) => (await Assert.ThrowsAsync<MigrationInvalidStateException>(act)).Message;
}
