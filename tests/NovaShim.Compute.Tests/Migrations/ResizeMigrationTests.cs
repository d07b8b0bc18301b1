using NovaShim.Compute.Hosts;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Compute.Tests.Migrations;

/// <summary>The migration as a whole, and the three questions asked of each of its steps: run twice, failed at, undone twice.</summary>
public sealed class ResizeMigrationTests
{
    [Fact]
    public async Task A_resize_arrives_and_is_confirmed()
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        var server = await ResizedAsync(cloud);

        Assert.Equal([PowerState.Shutdown], cloud.World.SourceSeen);
        Assert.Equal("two", server.Host);
        Assert.Equal(TestCloud.Big, server.Flavor);
        Assert.False(cloud.World.Vms[("one", server.Uuid)].Running);
        Assert.True(cloud.World.Vms[("one", server.Uuid)].Blocked);
        Assert.Equal(1024, cloud.World.Vms[("two", server.Uuid)].MemoryMb);

        await cloud.Api.ConfirmResizeAsync(server, TestCloud.NewContext(), default);
        await AssertConfirmedAsync(cloud, server.Uuid);
    }

    [Fact]
    public async Task A_resize_is_reverted()
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        var server = await ResizedAsync(cloud);

        await cloud.Api.RevertResizeAsync(server, TestCloud.NewContext(), default);
        await AssertBackAsync(cloud, server.Uuid, MigrationStatus.Reverted);
    }

    [Fact]
    public async Task Every_step_may_run_twice()
    {
        await using var cloud = await TestCloud.StartAsync(new World { Twice = true });
        var server = await ResizedAsync(cloud);
        await cloud.Api.RevertResizeAsync(server, TestCloud.NewContext(), default);
        server = await AssertBackAsync(cloud, server.Uuid, MigrationStatus.Reverted);

        await cloud.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        server = await cloud.UntilAsync(server.Uuid, i => i is { VmState: VmStates.Resized, TaskState: null });
        await cloud.Api.ConfirmResizeAsync(server, TestCloud.NewContext(), default);
        await AssertConfirmedAsync(cloud, server.Uuid);
    }

    [Theory]
    [InlineData("prepare_source")]
    [InlineData("prepare_destination")]
    [InlineData("migrate_disk")]
    [InlineData("finish")]
    public async Task A_failure_at_any_step_unwinds_clean_and_each_undo_survives_running_twice(string verb)
    {
        foreach (var twice in new[] { false, true })
        {
            await using var cloud = await TestCloud.StartAsync(new World { Twice = twice });
            var server = await cloud.BootAsync();
            cloud.World.Fail(verb, int.MaxValue);

            await cloud.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);

            server = await AssertBackAsync(cloud, server.Uuid, MigrationStatus.Error);
            var migration = await cloud.MigrationUntilAsync(server.Uuid, m => m.Saga.Actor is null);
            Assert.Contains("told to fail", migration.Saga.Fault, StringComparison.Ordinal);
            var action = (await cloud.Store.Collection<InstanceActionDocument>().ListAsync(cloud.Store.Collection<InstanceActionDocument>().Query(), default)).Single(a => a.Action == "resize");
            Assert.Contains("told to fail", action.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("prepare_source")]
    [InlineData("prepare_destination")]
    [InlineData("migrate_disk")]
    [InlineData("finish")]
    [InlineData("check")]
    [InlineData("confirm")]
    public async Task A_step_that_fails_once_is_tried_again(string verb)
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        cloud.World.Fail(verb, 1);
        var server = await ResizedAsync(cloud);
        await cloud.Api.ConfirmResizeAsync(server, TestCloud.NewContext(), default);
        await AssertConfirmedAsync(cloud, server.Uuid);
        Assert.Equal(2, cloud.World.Calls.Count(c => c.StartsWith(verb + "@", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("revert", MigrationStatus.Reverted)]
    [InlineData("finish_revert", MigrationStatus.Reverted)]
    public async Task An_undo_that_fails_for_long_shows_the_server_in_error_and_brings_it_back_in_the_end(string verb, string status)
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        var server = await ResizedAsync(cloud);
        cloud.World.Fail(verb, int.MaxValue);
        await cloud.Api.RevertResizeAsync(server, TestCloud.NewContext(), default);

        var stuck = await cloud.UntilAsync(server.Uuid, i => i.VmState == VmStates.Error);
        Assert.Contains("is being retried", stuck.Fault!.Message, StringComparison.Ordinal);
        Assert.Contains("told to fail", stuck.Fault.Message, StringComparison.Ordinal);

        cloud.World.Fail(verb, 0);
        await AssertBackAsync(cloud, server.Uuid, status);
    }

    [Fact]
    public async Task A_disk_that_arrived_wrong_is_copied_again()
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        cloud.World.Fail("finish", 1, () => new StepFailedException("the leaf differs", StepRecovery.CopyAgain));
        var server = await ResizedAsync(cloud);
        var migration = await cloud.MigrationUntilAsync(server.Uuid, m => m.Status == MigrationStatus.Finished);
        Assert.Equal(1, migration.Saga.CopiedAgain);
        Assert.Equal(2, cloud.World.Calls.Count(c => c == "migrate_disk@one"));
        Assert.Empty(cloud.World.Violations);
    }

    [Fact]
    public async Task A_host_that_refuses_is_passed_over_and_none_is_left()
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        var server = await cloud.BootAsync();
        cloud.World.Fail("prepare_destination", 1, () => new StepFailedException("no room on the disk", StepRecovery.Reschedule));
        await cloud.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        await AssertBackAsync(cloud, server.Uuid, MigrationStatus.Error);
        var migration = await cloud.MigrationUntilAsync(server.Uuid, m => m.Saga.Actor is null);
        Assert.Equal(["two"], migration.Saga.RefusedBy);
        Assert.Contains("No valid host was found", migration.Saga.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_too_big_for_any_host_stays_where_it_is()
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        var server = await cloud.BootAsync();
        await cloud.Api.ResizeAsync(server, TestCloud.Big with { MemoryMb = 1_000_000 }, TestCloud.NewContext(), default);
        await AssertBackAsync(cloud, server.Uuid, MigrationStatus.Error);
        Assert.DoesNotContain(cloud.World.Calls, c => c.StartsWith("prepare", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("prepare_source")]
    [InlineData("prepare_destination")]
    [InlineData("migrate_disk")]
    [InlineData("finish")]
    public async Task A_restart_in_the_middle_of_a_step_finishes_the_migration(string verb)
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        var server = await cloud.BootAsync();
        cloud.World.Gates[verb] = new TaskCompletionSource();
        await cloud.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        await TestCloud.PollAsync(() => Task.FromResult(cloud.World.Calls.Any(c => c.StartsWith(verb + "@", StringComparison.Ordinal))), reached => reached);

        cloud.World.Gates.Clear();
        await cloud.RestartAsync();

        var arrived = await cloud.UntilAsync(server.Uuid, i => i is { VmState: VmStates.Resized, TaskState: null });
        Assert.Equal("two", arrived.Host);
        Assert.Empty(cloud.World.Violations);
    }

    [Theory]
    [InlineData("prepare_destination")]
    [InlineData("migrate_disk")]
    [InlineData("finish")]
    [InlineData(null)]
    public async Task A_server_deleted_during_a_migration_is_gone_from_both_hosts(string? verb)
    {
        await using var cloud = await TestCloud.StartAsync(new World(), new ComputeOptions { PollSeconds = 0.1, RetrySeconds = 0.02, MaxAttempts = 3, LeaseSeconds = 0.9 });
        var server = await cloud.BootAsync();
        if (verb is not null)
        {
            cloud.World.Gates[verb] = new TaskCompletionSource();
        }

        await cloud.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        await (verb is null
            ? cloud.UntilAsync(server.Uuid, i => i is { VmState: VmStates.Resized, TaskState: null })
            : (Task)TestCloud.PollAsync(() => Task.FromResult(cloud.World.Calls.Any(c => c.StartsWith(verb + "@", StringComparison.Ordinal))), reached => reached));
        await cloud.Api.DeleteAsync(server, TestCloud.NewContext(), default);

        await cloud.UntilAsync(server.Uuid, i => i.Deleted);
        await cloud.MigrationUntilAsync(server.Uuid, m => m.Saga.Actor is null);
        Assert.Empty(cloud.World.Vms);
        Assert.Empty(cloud.World.Preparations);
        await AssertClaimsAsync(cloud, "one", 0);
        await AssertClaimsAsync(cloud, "two", 0);
    }

    [Fact]
    public async Task Two_resizes_at_once_are_one()
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        var server = await cloud.BootAsync();
        var tries = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            try
            {
                await cloud.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
                return true;
            }
            catch (InstanceInvalidStateException)
            {
                return false;
            }
        }));
        Assert.Single(tries, accepted => accepted);
        await cloud.UntilAsync(server.Uuid, i => i is { VmState: VmStates.Resized, TaskState: null });
        Assert.Single(await cloud.Store.Collection<MigrationDocument>().ListAsync(cloud.Store.Collection<MigrationDocument>().Query(), default));
    }

    [Fact]
    public async Task Confirm_and_revert_at_once_are_one_of_them()
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        var server = await ResizedAsync(cloud);
        var decided = await Task.WhenAll(TryAsync(() => cloud.Api.ConfirmResizeAsync(server, TestCloud.NewContext(), default)), TryAsync(() => cloud.Api.RevertResizeAsync(server, TestCloud.NewContext(), default)));
        Assert.Single(decided, d => d);
        await (decided[0] ? AssertConfirmedAsync(cloud, server.Uuid) : AssertBackAsync(cloud, server.Uuid, MigrationStatus.Reverted));

        static async Task<bool> TryAsync(Func<Task> decide)
        {
            try
            {
                await decide();
                return true;
            }
            catch (MigrationNotFoundException)
            {
                return false;
            }
        }
    }

    [Theory]
    [InlineData("revert")]
    [InlineData("delete")]
    public async Task The_only_copy_is_not_destroyed_by_a_confirm_and_the_user_may_still_do_something_else(string otherwise)
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        var server = await ResizedAsync(cloud);
        cloud.World.Vms.TryRemove(("two", server.Uuid), out _);

        await cloud.Api.ConfirmResizeAsync(server, TestCloud.NewContext(), default);
        var migration = await cloud.MigrationUntilAsync(server.Uuid, m => m is { Saga.Step: ResizeMigration.AwaitVerification, Saga.Fault: not null });
        server = await cloud.UntilAsync(server.Uuid, i => i is { VmState: VmStates.Resized, TaskState: null });

        Assert.Equal(MigrationStatus.Finished, migration.Status);
        Assert.Contains("host two has not", migration.Saga.Fault, StringComparison.Ordinal);
        var actions = await cloud.Store.Collection<InstanceActionDocument>().ListAsync(cloud.Store.Collection<InstanceActionDocument>().Query(), default);
        Assert.Contains("host two has not", actions.Single(a => a.Action == "confirmResize").Message, StringComparison.Ordinal);
        Assert.True(cloud.World.Vms[("one", server.Uuid)].Blocked);
        Assert.Empty(cloud.World.Violations);

        if (otherwise == "revert")
        {
            await cloud.Api.RevertResizeAsync(server, TestCloud.NewContext(), default);
            await AssertBackAsync(cloud, server.Uuid, MigrationStatus.Reverted);
            Assert.Null((await cloud.MigrationUntilAsync(server.Uuid, m => m.Saga.Actor is null)).Saga.Fault);
        }
        else
        {
            await cloud.Api.DeleteAsync(server, TestCloud.NewContext(), default);
            await cloud.UntilAsync(server.Uuid, i => i.Deleted);
            Assert.Empty(cloud.World.Vms);
        }
    }

    [Fact]
    public async Task An_unattended_resize_confirms_itself()
    {
        await using var cloud = await TestCloud.StartAsync(new World(), new ComputeOptions { PollSeconds = 0.1, ResizeConfirmWindow = 0.3 });
        var server = await cloud.BootAsync();
        await cloud.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        await AssertConfirmedAsync(cloud, server.Uuid);
    }

    private static async Task<InstanceDocument> ResizedAsync(TestCloud cloud)
    {
        var server = await cloud.BootAsync();
        await cloud.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        Assert.Equal(VmStates.Resizing, (await cloud.Store.Collection<InstanceDocument>().GetAsync(server.Uuid, default))!.VmState);
        return await cloud.UntilAsync(server.Uuid, i => i is { VmState: VmStates.Resized, TaskState: null });
    }

    private static async Task AssertConfirmedAsync(TestCloud cloud, string uuid)
    {
        var server = await cloud.UntilAsync(uuid, i => i is { VmState: VmStates.Active, TaskState: null, MigrationUuid: null });
        var migration = await cloud.MigrationUntilAsync(uuid, m => m.Saga.Actor is null);
        Assert.Equal(MigrationStatus.Confirmed, migration.Status);
        Assert.Equal("two", server.Host);
        Assert.Equal(TestCloud.Big, server.Flavor);
        Assert.True(Assert.Single(cloud.World.Vms, v => v.Key.Host == "two").Value.Running);
        Assert.DoesNotContain(cloud.World.Vms, v => v.Key.Host == "one");
        Assert.Empty(cloud.World.Preparations);
        Assert.Empty(cloud.World.Violations);
        await AssertClaimsAsync(cloud, "one", 0);
        await AssertClaimsAsync(cloud, "two", 1);
    }

    private static async Task<InstanceDocument> AssertBackAsync(TestCloud cloud, string uuid, string status)
    {
        var server = await cloud.UntilAsync(uuid, i => i is { VmState: VmStates.Active, TaskState: null, MigrationUuid: null });
        var migration = await cloud.MigrationUntilAsync(uuid, m => m.Saga.Actor is null);
        Assert.Equal(status, migration.Status);
        Assert.Equal("one", server.Host);
        Assert.Equal(TestCloud.Small, server.Flavor);
        var vm = Assert.Single(cloud.World.Vms);
        Assert.Equal("one", vm.Key.Host);
        Assert.True(vm.Value.Running);
        Assert.False(vm.Value.Blocked);
        Assert.Empty(cloud.World.Preparations);
        Assert.Empty(cloud.World.Violations);
        await AssertClaimsAsync(cloud, "one", 1);
        await AssertClaimsAsync(cloud, "two", 0);
        return server;
    }

    private static async Task AssertClaimsAsync(TestCloud cloud, string host, int expected) =>
        Assert.Equal(expected, (await cloud.Store.Collection<ComputeNodeDocument>().GetAsync(host, default))!.Claims.Count);
}
