using System.Text.Json;
using NovaShim.Fake;
using NovaShim.Sdk;

namespace NovaShim.Plugins.Tests;

/// <summary>The fake driver verb by verb: once, twice, and against the laws of its world.</summary>
public sealed class FakeDriverTests : IAsyncLifetime
{
    private readonly DirectoryInfo _temp = Directory.CreateTempSubdirectory("novashim-test-");
    private readonly string _world = Guid.NewGuid().ToString();
    private readonly List<ComputeManager> _managers = [];

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_resize_that_is_confirmed(bool inFile, bool twice)
    {
        var (one, two) = Hosts(inFile);
        var journey = new Journey(one, two, twice);

        await journey.ThereAsync();
        Assert.Equal((PowerState.Shutdown, PowerState.Running), await journey.PowerAsync());
        await journey.ConfirmAsync();

        Assert.Equal((null, PowerState.Running), await journey.PowerAsync());
        var world = await WorldAsync(inFile);
        Assert.Empty(world.Violations);
        Assert.Equal("{}", JsonSerializer.Serialize(world.Hosts["one"].Vms));
        Assert.All(world.Hosts.Values, AssertNothingLeft);
        var vm = world.Hosts["two"].Vms[journey.Instance.Uuid];
        Assert.Equal((2048, 2, 20L << 30), (vm.MemoryMb, vm.Vcpus, vm.Disks[0].Size));
        Assert.Equal(["image img", "start one", "stop one", "start two"], vm.Disks[0].Journal);
        Assert.Equal(100, journey.Progress.Percent);
        Assert.NotNull(journey.Progress.StoppedAt);
        Assert.True(journey.Progress.StartedAt >= journey.Progress.StoppedAt);
        Assert.Equal(["base", "last delta"], journey.Progress.Rounds.Select(r => r.Name).Distinct());
        Assert.Equal((1L << 30) + (1 << 20), journey.Progress.Rounds.Take(2).Sum(r => r.Bytes));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task A_resize_that_is_reverted(bool inFile, bool twice)
    {
        var (one, two) = Hosts(inFile);
        var journey = new Journey(one, two, twice);

        await journey.ThereAsync();
        await journey.RevertAsync();

        Assert.Equal((PowerState.Running, null), await journey.PowerAsync());
        var world = await WorldAsync(inFile);
        Assert.Empty(world.Violations);
        Assert.All(world.Hosts.Values, AssertNothingLeft);
        var vm = world.Hosts["one"].Vms[journey.Instance.Uuid];
        Assert.Equal((512, 1, null), (vm.MemoryMb, vm.Vcpus, vm.BlockedBy));
        Assert.Equal(["image img", "start one", "stop one", "start one"], vm.Disks[0].Journal);
    }

    [Fact]
    public async Task Both_undos_find_nothing_to_do_wherever_the_migration_stopped()
    {
        for (var steps = 0; steps <= 4; steps++)
        {
            var (one, two) = Hosts();
            var journey = new Journey(one, two, twice: true);
            await journey.SpawnAsync();
            Func<Task>[] forward = [journey.PrepSourceAsync, journey.PrepResizeAsync, () => journey.ResizeInstanceAsync(), journey.FinishResizeAsync];
            foreach (var step in forward.Take(steps))
            {
                await step();
            }

            await journey.RevertAsync();

            Assert.Equal((PowerState.Running, null), await journey.PowerAsync());
        }

        var world = await WorldAsync();
        Assert.Empty(world.Violations);
        Assert.All(world.Hosts.Values, AssertNothingLeft);
    }

    [Fact]
    public async Task Spawn_reboot_and_destroy_may_run_twice()
    {
        var (one, two) = Hosts();
        var journey = new Journey(one, two, twice: true);

        await journey.SpawnAsync();
        Assert.Equal([Hypervisor.Address(journey.Instance.Uuid)], (await one.GetInfoAsync(journey.Instance, CancellationToken.None))!.Addresses);
        await journey.RebootAsync(one, hard: false);
        await journey.RebootAsync(one, hard: true);
        var journal = (await WorldAsync()).Hosts["one"].Vms[journey.Instance.Uuid].Disks[0].Journal;
        await journey.TerminateAsync(one);

        Assert.Equal(["image img", "start one", "stop one", "start one", "stop one", "start one", "start one", "start one"], journal);
        Assert.Equal((null, null), await journey.PowerAsync());
        Assert.Equal(0, (await one.GetHostStatsAsync(CancellationToken.None)).LocalGbUsed);
    }

    [Fact]
    public async Task A_server_started_a_second_time_is_a_violation_that_is_remembered()
    {
        var (one, two) = Hosts();
        var journey = new Journey(one, two);
        await journey.SpawnAsync();

        var e = await Assert.ThrowsAsync<StepFailedException>(() => new Journey(two, one) { Instance = journey.Instance }.SpawnAsync());

        Assert.StartsWith("VIOLATION: ", e.Message, StringComparison.Ordinal);
        Assert.Equal((PowerState.Running, null), await journey.PowerAsync());
        Assert.Contains("was to be started on two while it runs on one", Assert.Single((await WorldAsync()).Violations), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unblocking_the_source_while_the_destination_runs_is_a_violation()
    {
        var (one, two) = Hosts();
        var journey = new Journey(one, two);
        await journey.ThereAsync();

        await Assert.ThrowsAsync<StepFailedException>(journey.FinishRevertAsync);

        Assert.Equal((PowerState.Shutdown, PowerState.Running), await journey.PowerAsync());
        Assert.Single((await WorldAsync()).Violations);
    }

    [Fact]
    public async Task Destroying_the_last_of_a_server_in_a_migration_is_a_violation()
    {
        var (one, two) = Hosts();
        var journey = new Journey(one, two);
        await journey.ThereAsync();
        await journey.RevertResizeAsync();

        await Assert.ThrowsAsync<StepFailedException>(journey.ConfirmAsync);

        Assert.Equal((PowerState.Shutdown, null), await journey.PowerAsync());
        Assert.Contains("no other host has it", Assert.Single((await WorldAsync()).Violations), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_blocked_server_cannot_be_started_by_accident()
    {
        var (one, two) = Hosts();
        var journey = new Journey(one, two);
        await journey.SpawnAsync();
        await journey.PrepSourceAsync();
        await journey.PrepResizeAsync();
        await journey.ResizeInstanceAsync();

        var e = await Assert.ThrowsAsync<StepFailedException>(() => journey.RebootAsync(one, hard: true));

        Assert.Contains(journey.Migration.Uuid, e.Message, StringComparison.Ordinal);
        Assert.Equal((PowerState.Shutdown, null), await journey.PowerAsync());
    }

    [Fact]
    public async Task Disks_that_are_not_the_sources_are_asked_for_again()
    {
        var (one, two) = Hosts();
        var journey = new Journey(one, two);
        await journey.SpawnAsync();
        await journey.PrepSourceAsync();
        await journey.PrepResizeAsync();
        await journey.ResizeInstanceAsync();
        await ChangeWorldAsync(w => w.Hosts["two"].Incoming[journey.Migration.Uuid][0].Journal.RemoveAt(0));

        var e = await Assert.ThrowsAsync<StepFailedException>(journey.FinishResizeAsync);
        await journey.PrepResizeAsync();
        await journey.ResizeInstanceAsync();
        await journey.FinishResizeAsync();

        Assert.Equal(StepRecovery.CopyAgain, e.Recovery);
        Assert.Equal((PowerState.Shutdown, PowerState.Running), await journey.PowerAsync());
    }

    [Fact]
    public async Task A_late_confirm_does_not_touch_a_server_that_has_come_back()
    {
        var (one, two) = Hosts();
        var there = new Journey(one, two);
        await there.ThereAsync();
        await there.ConfirmAsync();
        var back = new Journey(two, one) { Instance = there.Instance, Destination = "one" };
        await back.PrepSourceAsync();
        await back.PrepResizeAsync();
        await back.ResizeInstanceAsync();
        await back.FinishResizeAsync();
        await back.ConfirmAsync();

        await there.ConfirmAsync();

        Assert.Equal((PowerState.Running, null), await there.PowerAsync());
        Assert.Empty((await WorldAsync()).Violations);
    }

    [Fact]
    public async Task Progress_moves_with_the_bytes_and_a_second_run_goes_on_where_the_first_was_stopped()
    {
        var (one, two) = Hosts(settings: [("copy_bytes_per_second", "500000000")], time: new LeapingTime());
        var journey = new Journey(one, two);
        await journey.SpawnAsync();
        await journey.PrepSourceAsync();
        await journey.PrepResizeAsync();
        using var crash = new CancellationTokenSource();
        journey.OnReport = p =>
        {
            if (p.BytesDone >= 700_000_000)
            {
                crash.Cancel();
            }
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => journey.ResizeInstanceAsync(crash.Token));
        Assert.Equal((PowerState.Running, null), await journey.PowerAsync());
        await journey.ResizeInstanceAsync();

        Assert.Equal(journey.Percents.Order(), journey.Percents);
        Assert.True(journey.Percents.Distinct().Count() > 15);
        Assert.True(journey.Progress.Rounds[1].Bytes < 800_000_000, $"sent {journey.Progress.Rounds[1].Bytes} bytes again");
        Assert.Equal((PowerState.Shutdown, null), await journey.PowerAsync());
    }

    [Theory]
    [InlineData("before", null)]
    [InlineData("after", PowerState.Running)]
    public async Task A_verb_fails_as_often_as_it_is_set_to(string when, PowerState? left)
    {
        var (one, two) = Hosts(settings: [("fail:spawn:times", "2"), ("fail:spawn:when", when), ("fail:spawn:recovery", "reschedule"), ("fail:spawn:message", "out of luck")]);
        var journey = new Journey(one, two);

        var e = await Assert.ThrowsAsync<StepFailedException>(journey.SpawnAsync);
        Assert.Equal((StepRecovery.Reschedule, "out of luck"), (e.Recovery, e.Message));
        Assert.Equal(left, (await journey.PowerAsync()).Source);
        await Assert.ThrowsAsync<StepFailedException>(journey.SpawnAsync);
        await journey.SpawnAsync();

        Assert.Equal(PowerState.Running, (await journey.PowerAsync()).Source);
    }

    [Theory]
    [InlineData("memory_mb", "600", "has 88 MiB of memory left; the server needs 512")]
    [InlineData("local_gb", "1", "has 0 GiB of disk left; the server needs 1")]
    public async Task A_full_host_refuses_so_that_another_is_chosen(string setting, string value, string message)
    {
        var (one, two) = Hosts(settings: [(setting, value)]);
        await new Journey(one, two).SpawnAsync();

        var e = await Assert.ThrowsAsync<StepFailedException>(new Journey(one, two).SpawnAsync);

        Assert.Equal(StepRecovery.Reschedule, e.Recovery);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("memory_mb", "much", "Setting memory_mb is \"much\"; it must be a number from 1 to")]
    [InlineData("copy_bytes_per_second", "-1", "must be a number from 0")]
    [InlineData("delay_seconds:spawn", "NaN", "Setting delay_seconds:spawn is \"NaN\"")]
    public async Task A_setting_that_is_wrong_is_told_when_the_host_starts(string setting, string value, string message)
    {
        var (one, _) = Hosts(settings: [(setting, value)]);

        var e = await Assert.ThrowsAsync<StepFailedException>(() => one.InitHostAsync(CancellationToken.None));

        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_word_that_is_no_choice_is_told_with_the_choices()
    {
        var (one, _) = Hosts(settings: [("fail:spawn:times", "1"), ("fail:spawn:when", "soon")]);

        var e = await Assert.ThrowsAsync<StepFailedException>(() => one.InitHostAsync(CancellationToken.None));

        Assert.Equal("Setting fail:spawn:when is \"soon\"; it must be one of before, after.", e.Message);
    }

    [Fact]
    public async Task A_world_in_a_file_is_shared_with_what_else_opens_it()
    {
        // The plugin in its own load context shares no statics with this one: it stands for another process.
        await using var running = await RunningHost.StartAsync();
        running.DropIn(BuiltTree.FakePlugin);
        await running.LoadedAsync("Fake");
        var (one, _) = Hosts(inFile: true);
        await using var two = running.Host.Create("fake", RunningHost.ComputeHost("two", ("state_file", StateFile)));
        var journey = new Journey(one, two, twice: true);

        await journey.ThereAsync();
        await journey.ConfirmAsync();

        Assert.Equal((null, PowerState.Running), await journey.PowerAsync());
        Assert.Empty((await WorldAsync(inFile: true)).Violations);
    }

    [Fact]
    public async Task Changes_of_several_openers_of_a_file_are_not_lost()
    {
        await using var running = await RunningHost.StartAsync();
        running.DropIn(BuiltTree.FakePlugin);
        await running.LoadedAsync("Fake");
        var (one, two) = Hosts(inFile: true);
        await using var other = running.Host.Create("fake", RunningHost.ComputeHost("other", ("state_file", StateFile)));

        await Task.WhenAll(new[] { one, two, other }.SelectMany(m => Enumerable.Range(0, 10).Select(_ => Task.Run(() => new Journey(m, two).SpawnAsync()))));

        Assert.Equal([10, 10, 10], (await WorldAsync(inFile: true)).Hosts.Values.Select(h => h.Vms.Count));
    }

    [Fact]
    public async Task A_damaged_state_file_is_told_and_left_as_it_is()
    {
        await File.WriteAllTextAsync(StateFile, "{ \"hosts\": ");
        var (one, _) = Hosts(inFile: true);

        var e = await Assert.ThrowsAsync<StepFailedException>(() => one.InitHostAsync(CancellationToken.None));

        Assert.Contains("state.json is damaged", e.Message, StringComparison.Ordinal);
        Assert.Equal("{ \"hosts\": ", await File.ReadAllTextAsync(StateFile));
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var manager in _managers)
        {
            await manager.DisposeAsync();
        }

        _temp.Delete(recursive: true);
    }

    private string StateFile => Path.Combine(_temp.FullName, "state.json");

    private static void AssertNothingLeft(HostState host) => Assert.True(host.Incoming.Count == 0 && host.Keys.Count == 0, "A key or a disk on its way is left.");

    private (ComputeManager One, ComputeManager Two) Hosts(bool inFile = false, (string Name, string Value)[]? settings = null, TimeProvider? time = null)
    {
        ComputeManager Host(string name)
        {
            var manager = new FakeComputeManager(RunningHost.ComputeHost(name, [.. settings ?? [], Where(inFile)]) with { Time = time ?? TimeProvider.System });
            _managers.Add(manager);
            return manager;
        }

        return (Host("one"), Host("two"));
    }

    private (string, string) Where(bool inFile) => inFile ? ("state_file", StateFile) : ("world", _world);

    private Task<WorldState> WorldAsync(bool inFile = false) => FakeWorld.Of(new FakeSettings(RunningHost.ComputeHost("-", Where(inFile)).Settings)).ChangeAsync(w => w, TimeProvider.System, CancellationToken.None);

    private Task ChangeWorldAsync(Action<WorldState> change) => FakeWorld.Of(new FakeSettings(RunningHost.ComputeHost("-", Where(false)).Settings)).ChangeAsync(
        w =>
        {
            change(w);
            return w;
        },
        TimeProvider.System,
        CancellationToken.None);
}
