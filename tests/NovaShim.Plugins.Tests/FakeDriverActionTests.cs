using System.Text;
using NovaShim.Fake;
using NovaShim.Sdk;

namespace NovaShim.Plugins.Tests;

/// <summary>The fake driver's verbs on a server where it is: once, twice, and when they make no sense.</summary>
public sealed class FakeDriverActionTests : IAsyncLifetime
{
    private readonly string _world = Guid.NewGuid().ToString();
    private ComputeManager _one = null!;
    private ComputeManager _two = null!;
    private Journey _journey = null!;

    [Fact]
    public async Task Stop_and_start()
    {
        await TwiceAsync(_one.StopInstanceAsync);
        Assert.Equal(PowerState.Shutdown, await PowerAsync());
        await TwiceAsync(_one.StartInstanceAsync);

        Assert.Equal(PowerState.Running, await PowerAsync());
        Assert.Equal(["image img", "start one", "stop one", "start one"], (await VmAsync()).Disks[0].Journal);
    }

    [Fact]
    public async Task Pause_and_unpause_without_the_guest_noticing()
    {
        await TwiceAsync(_one.PauseInstanceAsync);
        Assert.Equal(PowerState.Paused, await PowerAsync());
        await TwiceAsync(_one.UnpauseInstanceAsync);

        Assert.Equal(PowerState.Running, await PowerAsync());
        Assert.Equal(["image img", "start one"], (await VmAsync()).Disks[0].Journal);
    }

    [Fact]
    public async Task Suspend_and_resume_without_the_guest_noticing()
    {
        await TwiceAsync(_one.SuspendInstanceAsync);
        Assert.Equal(PowerState.Suspended, await PowerAsync());
        await TwiceAsync(_one.ResumeInstanceAsync);

        Assert.Equal(PowerState.Running, await PowerAsync());
        Assert.Equal(["image img", "start one"], (await VmAsync()).Disks[0].Journal);
    }

    [Fact]
    public async Task What_makes_no_sense_is_refused_for_good_and_changes_nothing()
    {
        await _one.StopInstanceAsync(_journey.StepOfServer("stop"), CancellationToken.None);
        foreach (var verb in new Func<InstanceStepContext, CancellationToken, Task>[]
        {
            _one.PauseInstanceAsync, _one.UnpauseInstanceAsync, _one.SuspendInstanceAsync, _one.ResumeInstanceAsync, _one.ResetNetworkAsync, _two.StartInstanceAsync,
        })
        {
            var e = await Assert.ThrowsAsync<StepFailedException>(() => verb(_journey.StepOfServer("verb"), CancellationToken.None));
            Assert.Equal(StepRecovery.Unwind, e.Recovery);
            Assert.Equal(PowerState.Shutdown, await PowerAsync());
        }
    }

    [Theory]
    [InlineData("stop")]
    [InlineData("pause")]
    [InlineData("suspend")]
    public async Task A_hard_reboot_brings_a_server_up_from_anywhere(string from)
    {
        await (from switch
        {
            "stop" => _one.StopInstanceAsync(_journey.StepOfServer(from), CancellationToken.None),
            "pause" => _one.PauseInstanceAsync(_journey.StepOfServer(from), CancellationToken.None),
            _ => _one.SuspendInstanceAsync(_journey.StepOfServer(from), CancellationToken.None),
        });

        await _journey.RebootAsync(_one, hard: true);

        Assert.Equal(PowerState.Running, await PowerAsync());
    }

    [Fact]
    public async Task A_rescue_stands_in_for_the_server_and_leaves_its_disks_alone()
    {
        await TwiceAsync(_one.RescueInstanceAsync, "to the rescue");
        var rescued = await VmAsync();
        Assert.Equal(PowerState.Running, await PowerAsync());
        Assert.False(rescued.Running);
        Assert.Equal(["image img", "start one"], rescued.Rescue!.Disks[0].Journal);
        Assert.NotNull(rescued.Rescue.PasswordSha256);

        await TwiceAsync(_one.UnrescueInstanceAsync);

        var vm = await VmAsync();
        Assert.Null(vm.Rescue);
        Assert.Null(vm.PasswordSha256);
        Assert.Equal(["image img", "start one", "stop one", "start one"], vm.Disks[0].Journal);
    }

    [Fact]
    public async Task A_rebuild_begins_with_the_image_again()
    {
        await _one.StopInstanceAsync(_journey.StepOfServer("stop"), CancellationToken.None);

        await TwiceAsync(_one.RebuildInstanceAsync, "new");

        Assert.Equal(PowerState.Running, await PowerAsync());
        var vm = await VmAsync();
        Assert.Equal(["image img", "start one"], vm.Disks[0].Journal);
        Assert.NotNull(vm.PasswordSha256);
    }

    [Fact]
    public async Task A_snapshot_boots_another_server_with_what_was_on_the_disk()
    {
        var written = new List<MemoryStream>();
        var target = new ImageTarget
        {
            Id = "snap", Name = "a snapshot",
            OpenWrite = _ =>
            {
                written.Add(new MemoryStream());
                return Task.FromResult<Stream>(written[^1]);
            },
        };

        var info = await _one.SnapshotInstanceAsync(_journey.StepOfServer("snapshot"), target, CancellationToken.None);
        await _one.SnapshotInstanceAsync(_journey.StepOfServer("snapshot"), target, CancellationToken.None);
        Assert.Equal(("raw", 1L << 30), (info.DiskFormat, info.VirtualSize));
        Assert.Equal(written[0].ToArray(), written[1].ToArray());
        var other = new Journey(_two, _one) { ImageContent = written[0].ToArray() };
        await other.SpawnAsync();

        Assert.Equal(["image img", "start one", "image img", "start two"], (await WorldAsync()).Hosts["two"].Vms[other.Instance.Uuid].Disks[0].Journal);
        Assert.Equal(PowerState.Running, await PowerAsync());
    }

    [Fact]
    public async Task What_is_put_into_a_guest_is_there()
    {
        await TwiceAsync(_one.SetAdminPasswordAsync, "s3cret");
        await TwiceAsync((step, cancellation) => _one.InjectFileAsync(step, new InjectedFile("/etc/motd", Encoding.UTF8.GetBytes("hello")), cancellation));
        await TwiceAsync(_one.InjectNetworkInfoAsync);
        await TwiceAsync(_one.ResetNetworkAsync);

        var vm = await VmAsync();
        Assert.Equal("aGVsbG8=", vm.Files!["/etc/motd"]);
        Assert.Equal("1ec1c26b50d5d3c58d9583181af8076655fe00756bf7285940ba3670f99fcba0", vm.PasswordSha256);
    }

    [Fact]
    public async Task The_console_and_the_figures_tell_of_the_guest()
    {
        var console = await _one.GetConsoleOutputAsync(_journey.Instance, CancellationToken.None);
        Assert.StartsWith("Booting instance-00000001\nmemory: 512 MiB\n", console, StringComparison.Ordinal);
        await _one.StopInstanceAsync(_journey.StepOfServer("stop"), CancellationToken.None);

        Assert.Equal(console + "Stopping network\nUnmounting root\nPower down\n", await _one.GetConsoleOutputAsync(_journey.Instance, CancellationToken.None));
        Assert.Equal(512 * 1024, (await _one.GetDiagnosticsAsync(_journey.Instance, CancellationToken.None))["memory"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_that_was_shut_down_stays_so_through_a_resize(bool confirmed)
    {
        var journey = new Journey(_one, _two, twice: true) { Instance = _journey.Instance, PowerOn = false };
        await _one.StopInstanceAsync(journey.StepOfServer("stop"), CancellationToken.None);
        await journey.PrepSourceAsync();
        await journey.PrepResizeAsync();
        await journey.ResizeInstanceAsync();
        await journey.FinishResizeAsync();
        Assert.Equal((PowerState.Shutdown, PowerState.Shutdown), await journey.PowerAsync());
        Assert.Null(journey.Progress.StartedAt);
        await (confirmed ? journey.ConfirmAsync() : journey.RevertAsync());

        Assert.Equal(confirmed ? (null, PowerState.Shutdown) : (PowerState.Shutdown, null), await journey.PowerAsync());
        await (confirmed ? _two : _one).StartInstanceAsync(journey.StepOfServer("start"), CancellationToken.None);
        Assert.Empty((await WorldAsync()).Violations);
    }

    [Fact]
    public async Task A_driver_of_few_verbs_says_which_it_lacks()
    {
        await using var few = new FewVerbs();

        var e = await Assert.ThrowsAsync<VerbNotSupportedException>(() => few.PauseAsync(_journey.StepOfServer("pause"), CancellationToken.None));

        Assert.Equal(("pause", StepRecovery.Unwind, "The driver of this server's host does not support pause."), (e.Verb, e.Recovery, e.Message));
    }

    public async Task InitializeAsync()
    {
        (_one, _two) = (Host("one"), Host("two"));
        _journey = new Journey(_one, _two);
        await _journey.SpawnAsync();
    }

    public async Task DisposeAsync()
    {
        await _one.DisposeAsync();
        await _two.DisposeAsync();
    }

    private FakeComputeManager Host(string name) => new(RunningHost.ComputeHost(name, ("world", _world)));

    private async Task TwiceAsync(Func<InstanceStepContext, CancellationToken, Task> verb, string? password = null)
    {
        await verb(_journey.StepOfServer("verb", password), CancellationToken.None);
        await verb(_journey.StepOfServer("verb", password), CancellationToken.None);
    }

    private async Task<PowerState?> PowerAsync() => (await _journey.PowerAsync()).Source;

    private async Task<FakeVm> VmAsync() => (await WorldAsync()).Hosts["one"].Vms[_journey.Instance.Uuid];

    private Task<WorldState> WorldAsync() => FakeWorld.Of(new FakeSettings(RunningHost.ComputeHost("-", ("world", _world)).Settings)).ChangeAsync(w => w, TimeProvider.System, CancellationToken.None);

    private sealed class FewVerbs : VirtDriver
    {
        public override Task InitHostAsync(CancellationToken cancellation) => Task.CompletedTask;

        public override Task<HostStats> GetHostStatsAsync(CancellationToken cancellation) => throw new NotSupportedException();

        public override Task<InstanceInfo?> GetInfoAsync(Instance instance, CancellationToken cancellation) => throw new NotSupportedException();

        public override Task SpawnAsync(InstanceStepContext step, CancellationToken cancellation) => throw new NotSupportedException();

        public override Task DestroyAsync(InstanceStepContext step, CancellationToken cancellation) => throw new NotSupportedException();

        public override Task RebootAsync(InstanceStepContext step, bool hard, CancellationToken cancellation) => throw new NotSupportedException();

        public override Task<string> MigrateDiskAndPowerOffAsync(MigrationStepContext step, CancellationToken cancellation) => throw new NotSupportedException();

        public override Task FinishMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => throw new NotSupportedException();

        public override Task ConfirmMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => throw new NotSupportedException();

        public override Task RevertMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => throw new NotSupportedException();

        public override Task FinishRevertMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => throw new NotSupportedException();
    }
}
