using NovaShim.Sdk;

namespace NovaShim.Fake;

/// <summary>
/// The driver of one fake host. Read it as an example of the contract: every verb looks before it acts, marks what it makes with the migration it made it for, and finds nothing to do when it has
/// been run before. The verbs are in files of their own: <c>.Power</c>, <c>.Rescue</c>, <c>.Guest</c>, <c>.Snapshot</c> and <c>.Migration</c>.
/// </summary>
internal sealed partial class FakeDriver(ComputeHost host) : VirtDriver
{
    private static readonly string[] _verbs =
    [
        "init_host", "get_host_stats", "get_info", "spawn", "destroy", "reboot", "prepare_migration_source", "prepare_migration_destination", "migrate_disk_and_power_off", "finish_migration",
        "check_migration", "confirm_migration", "revert_migration", "finish_revert_migration", "power_off", "power_on", "pause", "unpause", "suspend", "resume", "rescue", "unrescue", "snapshot", "set_admin_password",
        "inject_file", "inject_network_info", "reset_network", "get_console_output", "get_diagnostics",
    ];

    private readonly DateTime _bootedAt = DateTimeOffset.FromUnixTimeSeconds(host.Time.GetUtcNow().ToUnixTimeSeconds()).UtcDateTime;
    private readonly FakeSettings _settings = new(host.Settings);

    /// <summary>Where the host lives. Looked up at each use, as the settings are.</summary>
    private FakeWorld World => FakeWorld.Of(_settings);

    public override Task InitHostAsync(CancellationToken cancellation)
    {
        _settings.Check(_verbs);
        return DoAsync("init_host", () => World.ChangeAsync(world => world.Host(host.Name), host.Time, cancellation), cancellation);
    }

    public override Task<HostStats> GetHostStatsAsync(CancellationToken cancellation) => DoAsync(
        "get_host_stats",
        async () => new HostStats
        {
            HypervisorHostname = host.Name,
            HypervisorType = "fake",
            HypervisorVersion = 1_000_000,
            Vcpus = _settings.Vcpus,
            MemoryMb = _settings.MemoryMb,
            LocalGb = _settings.LocalGb,
            LocalGbUsed = (int)((await World.ChangeAsync(world => Hypervisor.BytesUsed(world.Host(host.Name)), host.Time, cancellation) + (1L << 30) - 1) >> 30),
            HostIp = "127.0.0.1",
            BootedAt = _bootedAt,
        },
        cancellation);

    public override Task<InstanceInfo?> GetInfoAsync(Instance instance, CancellationToken cancellation) => DoAsync(
        "get_info",
        () => World.ChangeAsync(
            world => world.Host(host.Name).Vms.TryGetValue(instance.Uuid, out var vm)
                ? new InstanceInfo(PowerStateOf(vm.InFront), instance.WithoutNetwork ? [] : [Hypervisor.Address(instance.Uuid)])
                : null,
            host.Time,
            cancellation),
        cancellation);

    public override Task SpawnAsync(InstanceStepContext step, CancellationToken cancellation) => DoAsync(
        "spawn",
        async () =>
        {
            var image = step.Image ?? throw new StepFailedException($"Server {step.Instance.Uuid} has no image to be built from.", StepRecovery.Unwind);
            var content = await FakeImage.ReadAsync(image, cancellation);
            return await World.ChangeAsync(world => Spawn(world, step, image, content), host.Time, cancellation);
        },
        cancellation);

    private FakeVm Spawn(WorldState world, InstanceStepContext step, Image image, FakeImage content)
    {
        var (state, instance) = (world.Host(host.Name), step.Instance);
        if (state.Vms.TryGetValue(instance.Uuid, out var vm))
        {
            // A former run has come this far.
            if (!vm.Running)
            {
                StartHere(world, instance.Uuid, vm);
            }

            return vm;
        }

        var disks = Hypervisor.Disks(instance.Flavor, content.Size);
        Hypervisor.ThrowUnlessRoom(state, host.Name, disks.Sum(d => d.Size), _settings);
        Hypervisor.ThrowUnlessStartable(world, host.Name, instance.Uuid, instance.Flavor.MemoryMb, _settings);
        disks[0].Journal.AddRange([.. content.Journal, $"image {image.Id}"]);
        vm = new FakeVm { Name = instance.Name, MemoryMb = instance.Flavor.MemoryMb, Vcpus = instance.Flavor.Vcpus, Disks = disks };
        Hypervisor.Start(vm, host.Name);
        PutIn(vm, step);
        return state.Vms[instance.Uuid] = vm;
    }

    public override Task DestroyAsync(InstanceStepContext step, CancellationToken cancellation) =>
        DoAsync("destroy", () => World.ChangeAsync(world => world.Host(host.Name).Vms.Remove(step.Instance.Uuid), host.Time, cancellation), cancellation);

    public override Task RebootAsync(InstanceStepContext step, bool hard, CancellationToken cancellation) => DoAsync(
        "reboot",
        () => World.ChangeAsync(
            world =>
            {
                var vm = FindHere(world, step.Instance.Uuid);
                Hypervisor.ThrowUnlessStartable(world, host.Name, step.Instance.Uuid, vm.MemoryMb, _settings);
                if (hard)
                {
                    Hypervisor.Cut(vm.InFront);
                }

                Hypervisor.Stop(vm.InFront, host.Name);
                return StartHere(world, step.Instance.Uuid, vm.InFront);
            },
            host.Time,
            cancellation),
        cancellation);

    private FakeVm FindHere(WorldState world, string uuid) =>
        world.Host(host.Name).Vms.TryGetValue(uuid, out var vm) ? vm : throw new StepFailedException($"Host {host.Name} has no VM of server {uuid}.", StepRecovery.Unwind);

    private FakeVm StartHere(WorldState world, string uuid, FakeVm vm)
    {
        if (vm.BlockedBy is { } migration)
        {
            throw new StepFailedException($"Server {uuid} cannot be started on {host.Name}: migration {migration} forbids it.", StepRecovery.Unwind);
        }

        Hypervisor.ThrowUnlessStartable(world, host.Name, uuid, vm.MemoryMb, _settings);
        Hypervisor.Start(vm, host.Name);
        return vm;
    }

    /// <summary>Does a verb, and fails or dawdles where the settings say so.</summary>
    private async Task<T> DoAsync<T>(string verb, Func<Task<T>> work, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        await Task.Delay(_settings.Delay(verb), host.Time, cancellation);
        var failure = _settings.Failure(verb);
        if (failure is { AfterWork: false })
        {
            await FailAsync(verb, failure, cancellation);
        }

        var result = await work();
        if (failure is { AfterWork: true })
        {
            await FailAsync(verb, failure, cancellation);
        }

        return result;
    }

    private async Task FailAsync(string verb, FakeFailure failure, CancellationToken cancellation)
    {
        var due = await World.ChangeAsync(
            world =>
            {
                var failures = world.Host(host.Name).Failures;
                var so = failures.GetValueOrDefault(verb);
                failures[verb] = failure.Times >= 0 && so >= failure.Times ? so : so + 1;
                return failure.Times < 0 || so < failure.Times;
            },
            host.Time,
            cancellation);
        if (due)
        {
            throw new StepFailedException(failure.Message ?? $"Host {host.Name} was set to fail {verb} {(failure.AfterWork ? "after" : "before")} its work.", failure.Recovery);
        }
    }
}
