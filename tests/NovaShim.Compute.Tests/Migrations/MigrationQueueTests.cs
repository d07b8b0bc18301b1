using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;

namespace NovaShim.Compute.Tests.Migrations;

/// <summary>Migrations beyond the limits wait, say so, and go in the order in which they came.</summary>
public sealed class MigrationQueueTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    [InlineData(3, 2)]
    public async Task No_more_are_on_their_way_than_may_be_and_they_arrive_in_order(int overall, int perHost)
    {
        using var plane = new HandDriven(new ComputeOptions { ConcurrentMigrations = overall, ConcurrentMigrationsPerHost = perHost }, "one", "two", "three");
        var servers = new List<InstanceDocument>();
        foreach (var host in new[] { "one", "one", "two", "one", "two", "three" })
        {
            servers.Add(await plane.BootedAsync(host));
        }

        foreach (var server in servers)
        {
            await plane.Api.MigrateAsync(server, TestCloud.NewContext(), default);
        }

        var (left, waited) = (new List<int>(), 0);
        for (var round = 0; round < 500 && (round == 0 || plane.Store.All<MigrationDocument>().Any(m => m.Saga.Actor is not null)); round++)
        {
            foreach (var actor in new[] { Actors.Scheduler, "one", "two", "three" })
            {
                await plane.WorkAsync(actor);
                var all = plane.Store.All<MigrationDocument>();
                var moving = all.Where(m => m.Saga.Actor is not null && m.Saga.Step != ResizeMigration.Schedule).ToList();
                Assert.True(overall == 0 || moving.Count <= overall);
                Assert.True(perHost == 0 || moving.SelectMany(m => new[] { m.SourceCompute, m.DestCompute }).GroupBy(h => h).All(h => h.Count() <= perHost));
                foreach (var queued in all.Where(m => m.Saga.Waiting is not null))
                {
                    waited++;
                    Assert.Equal(MigrationStatus.Queued, queued.Status);
                    Assert.StartsWith("Queued: ", queued.Saga.Waiting, StringComparison.Ordinal);
                    var action = plane.Store.All<InstanceActionDocument>().Single(a => a.InstanceUuid == queued.InstanceUuid);
                    Assert.Equal(queued.Saga.Waiting, action.Message);
                    Assert.Equal(VmStates.Resizing, (await plane.ServerAsync(queued.InstanceUuid)).VmState);
                }

                left.AddRange(all.Where(m => m.DestCompute is not null).Select(m => m.Id).Order().Except(left).ToList());
            }

            plane.Time.Advance(TimeSpan.FromSeconds(0.5));
            await plane.BeatAsync();
        }

        var end = plane.Store.All<MigrationDocument>();
        Assert.All(end, m => Assert.Equal((MigrationStatus.Finished, null), (m.Status, m.Saga.Waiting)));
        Assert.All(plane.Store.All<InstanceActionDocument>(), a => Assert.Null(a.Message));
        Assert.NotEqual(0, waited);

        // In order: overall, and where only hosts are limited those of one host.
        foreach (var together in perHost == 0 ? [end.Select(m => m.Id).ToHashSet()] : end.GroupBy(m => m.SourceCompute).Select(g => g.Select(m => m.Id).ToHashSet()))
        {
            var order = left.Where(together.Contains).ToList();
            Assert.Equal(order.Order(), order);
        }
    }

    [Fact]
    public async Task A_queued_migration_is_aborted_and_those_behind_it_go_on()
    {
        using var plane = new HandDriven(new ComputeOptions { ConcurrentMigrations = 1 });
        var (first, second, third) = (await plane.BootedAsync(), await plane.BootedAsync(), await plane.BootedAsync());
        foreach (var server in new[] { first, second, third })
        {
            await plane.Api.MigrateAsync(server, TestCloud.NewContext(), default);
        }

        await plane.WorkAsync(Actors.Scheduler);
        await plane.Operator.AbortMigrationAsync((await plane.MigrationAsync(second.Uuid)).Uuid, default);
        for (var round = 0; round < 10; round++)
        {
            await plane.SettleAsync();
            await plane.PassAsync(TimeSpan.FromSeconds(5));
        }

        Assert.Equal(MigrationStatus.Finished, (await plane.MigrationAsync(first.Uuid)).Status);
        Assert.Equal(MigrationStatus.Error, (await plane.MigrationAsync(second.Uuid)).Status);
        Assert.Equal(VmStates.Active, (await plane.ServerAsync(second.Uuid)).VmState);
        Assert.Equal(MigrationStatus.Finished, (await plane.MigrationAsync(third.Uuid)).Status);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task Two_schedulers_at_once_do_not_let_one_too_many_leave(int writesBefore)
    {
        using var plane = new HandDriven(new ComputeOptions { ConcurrentMigrationsPerHost = 1 }, "one", "two", "three", "four");
        plane.StartOtherScheduler();
        var (first, second, third) = (await plane.BootedAsync("one"), await plane.BootedAsync("one"), await plane.BootedAsync("three"));
        await plane.Api.MigrateAsync(first, TestCloud.NewContext(), default);
        await plane.WorkAsync(Actors.Scheduler);

        // While the other scheduler lets the third pass by the second, whose host is busy, that host becomes free and the first scheduler lets the second go.
        await plane.Api.MigrateAsync(second, TestCloud.NewContext(), default);
        await plane.Api.MigrateAsync(third, TestCloud.NewContext(), default);
        var raced = plane.ViewOf(HandDriven.OtherScheduler).BeforeNextWrite(
            async () =>
            {
                await plane.SettleAsync(plane.Hosts);

                plane.Time.Advance(TimeSpan.FromSeconds(3));
                await plane.BeatAsync();
                await plane.WorkAsync(Actors.Scheduler);
                AssertOnePerHost(plane);
            },
            writesBefore);
        await plane.WorkAsync(HandDriven.OtherScheduler);
        AssertOnePerHost(plane);
        Assert.True(raced.Done);

        for (var round = 0; round < 200 && plane.Store.All<MigrationDocument>().Any(m => m.Saga.Actor is not null); round++)
        {
            foreach (var actor in plane.Hosts.Prepend(HandDriven.OtherScheduler).Prepend(Actors.Scheduler))
            {
                await plane.WorkAsync(actor);
                AssertOnePerHost(plane);
            }

            plane.Time.Advance(TimeSpan.FromSeconds(0.5));
            await plane.BeatAsync();
        }

        Assert.All(plane.Store.All<MigrationDocument>(), m => Assert.Equal(MigrationStatus.Finished, m.Status));
    }

    [Fact]
    public async Task A_scheduler_that_dies_as_it_lets_one_leave_holds_nobody_up()
    {
        for (var writes = 1; writes <= 6; writes++)
        {
            using var plane = new HandDriven(new ComputeOptions { ConcurrentMigrations = 1 });
            var servers = new[] { await plane.BootedAsync(), await plane.BootedAsync() };
            foreach (var server in servers)
            {
                await plane.Api.MigrateAsync(server, TestCloud.NewContext(), default);
            }

            plane.ViewOf(Actors.Scheduler).DiesAfterWrites = writes;
            await plane.WorkAsync(Actors.Scheduler);
            plane.Start(Actors.Scheduler);
            for (var round = 0; round < 20; round++)
            {
                await plane.SettleAsync();
                await plane.PassAsync(TimeSpan.FromSeconds(5));
            }

            Assert.All(plane.Store.All<MigrationDocument>(), m => Assert.Equal(MigrationStatus.Finished, m.Status));
        }
    }

    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(500, 0, 0, 500)]
    [InlineData(0, 900, 3, 300)]
    [InlineData(200, 900, 3, 200)]
    [InlineData(400, 900, 3, 300)]
    [InlineData(0, 1, 3, 1)]
    public async Task A_driver_is_told_what_a_migration_may_send(int perMigration, int perHost, int hosts, int expected)
    {
        using var plane = new HandDriven(new ComputeOptions { BandwidthPerMigration = perMigration, BandwidthPerHost = perHost, ConcurrentMigrationsPerHost = hosts }.Checked());
        var server = await plane.BootedAsync();
        await plane.Api.MigrateAsync(server, TestCloud.NewContext(), default);
        await plane.SettleAsync();
        Assert.Equal(MigrationStatus.Finished, (await plane.MigrationAsync(server.Uuid)).Status);
        Assert.Equal([expected], plane.World.BandwidthLimits);
    }

    [Fact]
    public void A_host_s_bandwidth_is_not_shared_among_any_number()
    {
        var refused = Assert.Throws<InvalidOperationException>(() => new ComputeOptions { BandwidthPerHost = 900 }.Checked());
        Assert.Contains("compute:bandwidth_per_host", refused.Message, StringComparison.Ordinal);
    }

    private static void AssertOnePerHost(HandDriven plane)
    {
        var moving = plane.Store.All<MigrationDocument>().Where(m => m.Saga.Actor is not null && m.Saga.Step != ResizeMigration.Schedule);
        Assert.All(moving.SelectMany(m => new[] { m.SourceCompute, m.DestCompute }).GroupBy(h => h), h => Assert.Single(h));
    }
}
