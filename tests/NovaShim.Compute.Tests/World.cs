using System.Collections.Concurrent;
using NovaShim.Compute.Plugins;
using NovaShim.Sdk;

namespace NovaShim.Compute.Tests;

/// <summary>Two hosts and what is on them, with a driver that obeys its contract and a hand that makes it fail.</summary>
internal sealed class World : IComputeManagers
{
    private readonly ConcurrentQueue<string> _violations = new();
    private readonly ConcurrentDictionary<string, bool> _destroyed = new();
    private readonly ConcurrentDictionary<string, int> _failures = new();
    private readonly ConcurrentDictionary<string, Func<Exception>> _faults = new();

    /// <summary>VMs by host and server; the value says whether it runs.</summary>
    public ConcurrentDictionary<(string Host, string Instance), Vm> Vms { get; } = new();

    /// <summary>Things made for a copy: offers, staging folders, keys.</summary>
    public ConcurrentDictionary<(string Host, string Migration), string> Preparations { get; } = new();

    /// <summary>What the last build of each server was given.</summary>
    public ConcurrentDictionary<string, InstanceStepContext> Spawned { get; } = new();

    /// <summary>The verbs in the order in which they were called.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>How the source's VM stood, as the destinations were told right before they started theirs.</summary>
    public ConcurrentQueue<PowerState?> SourceSeen { get; } = new();

    /// <summary>What each copy was told it may send, in KiB per second.</summary>
    public ConcurrentQueue<int> BandwidthLimits { get; } = new();

    /// <summary>What must never be, and was.</summary>
    public IReadOnlyCollection<string> Violations => _violations;

    /// <summary>Whether the hosts make a config drive for every server.</summary>
    public bool ForcesConfigDrive { get; set; }

    /// <summary>What every guest that runs reports of its addresses.</summary>
    public IReadOnlyList<string> Addresses { get; set; } = ["10.0.0.2"];

    /// <summary>Happens when somebody has looked at a VM, before they do anything with what they saw.</summary>
    public Action WhenSeen { get; set; } = () => { };

    /// <summary>Every verb is called twice in a row, as after a crash that came before its success was stored.</summary>
    public bool Twice { get; set; }

    /// <summary>Waits here inside the verb, if set: to hold a step open.</summary>
    public ConcurrentDictionary<string, TaskCompletionSource> Gates { get; } = new();

    /// <summary>How many have come to wait so, by verb.</summary>
    public ConcurrentDictionary<string, int> Waiting { get; } = new();

    /// <summary>Makes a verb fail the next times.</summary>
    public void Fail(string verb, int times, Func<Exception>? fault = null)
    {
        _failures[verb] = times;
        _faults[verb] = fault ?? (() => new InvalidOperationException($"{verb} was told to fail"));
    }

    public Task WaitForDriverAsync(string driver, CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>Called before the effect of a verb, after it has looked whether it is still wanted.</summary>
    public Action<string, string> BeforeEffect { get; set; } = (_, _) => { };

    /// <summary>Called after the effect of a verb and before its success is told, with the verb and the host.</summary>
    public Action<string, string> AfterEffect { get; set; } = (_, _) => { };

    public ComputeManager Create(string driver, ComputeHost host) => Create(host, () => { });

    /// <summary>A manager of a process that may die: what it does then has no effect.</summary>
    public ComputeManager Create(ComputeHost host, Action checkAlive) => new Manager(new Driver(this, host.Name, checkAlive));

    private async Task Enter(string verb, string host, CancellationToken cancellation)
    {
        Calls.Enqueue($"{verb}@{host}");
        if (Gates.TryGetValue(verb, out var gate))
        {
            Waiting.AddOrUpdate(verb, 1, (_, n) => n + 1);
            await gate.Task.WaitAsync(cancellation);
        }
    }

    private void Leave(string verb)
    {
        if (_failures.TryGetValue(verb, out var left) && left > 0)
        {
            _failures[verb] = left - 1;
            throw _faults[verb]();
        }
    }

    private void CheckOneRuns(string instance)
    {
        if (Vms.Count(v => v.Key.Instance == instance && v.Value.Running) > 1)
        {
            _violations.Enqueue($"two VMs of {instance} run");
        }
    }

    /// <summary>A VM.</summary>
    internal sealed record Vm(bool Running, bool Blocked, string? StoppedBy, string? MadeBy, int MemoryMb)
    {
        /// <summary>Paused or suspended; null when neither.</summary>
        public PowerState? Standstill { get; init; }

        /// <summary>What it was built from.</summary>
        public string? Image { get; init; }

        /// <summary>What it is rescued with.</summary>
        public string? RescueImage { get; init; }

        /// <summary>The administrator's password.</summary>
        public string? Password { get; init; }

        /// <summary>Files that were put into it, by path.</summary>
        public string Files { get; init; } = "";
    }

    private sealed class Manager(VirtDriver driver) : ComputeManager(driver);

    private sealed class Driver(World world, string host, Action checkAlive) : VirtDriver
    {
        public override Task InitHostAsync(CancellationToken cancellation) => Task.CompletedTask;

        public override Task<HostStats> GetHostStatsAsync(CancellationToken cancellation) => Task.FromResult(new HostStats
        {
            HypervisorHostname = host, HypervisorType = "test", HypervisorVersion = 1, Vcpus = 8, MemoryMb = 8192, LocalGb = 200, HostIp = "127.0.0.1",
        });

        public override bool ForcesConfigDrive => world.ForcesConfigDrive;

        public override Task<InstanceInfo?> GetInfoAsync(Instance instance, CancellationToken cancellation)
        {
            var seen = world.Vms.TryGetValue((host, instance.Uuid), out var vm)
                ? new InstanceInfo(vm.Standstill ?? (vm.Running ? PowerState.Running : PowerState.Shutdown), vm.Running ? world.Addresses : [])
                : null;
            world.WhenSeen();
            return Task.FromResult(seen);
        }

        public override Task SpawnAsync(InstanceStepContext step, CancellationToken cancellation) =>
            Do(
                "spawn",
                () =>
                {
                    world.Spawned[step.Instance.Uuid] = step;
                    Start(step.Instance.Uuid, null, step.Instance.Flavor);
                    Change(step, vm => vm with { Image = step.Image?.Id, Password = step.AdminPassword, Files = string.Join(' ', step.InjectedFiles.Select(f => f.Path)) });
                },
                cancellation);

        public override Task DestroyAsync(InstanceStepContext step, CancellationToken cancellation) =>
            Do("destroy", () => (world._destroyed[step.Instance.Uuid], _) = (true, world.Vms.TryRemove((host, step.Instance.Uuid), out _)), cancellation);

        public override Task RebootAsync(InstanceStepContext step, bool hard, CancellationToken cancellation) =>
            Do("reboot", () => Change(step, vm => hard ? vm with { Running = true, Standstill = null } : vm), cancellation);

        public override Task PowerOffAsync(InstanceStepContext step, CancellationToken cancellation) =>
            Do("power_off", () => Change(step, vm => vm with { Running = false, Standstill = null }), cancellation);

        public override Task PowerOnAsync(InstanceStepContext step, CancellationToken cancellation) => Do("power_on", () => Change(step, vm => vm with { Running = true, Standstill = null }), cancellation);

        public override Task PauseAsync(InstanceStepContext step, CancellationToken cancellation) => Do("pause", () => Change(step, vm => vm with { Standstill = PowerState.Paused }), cancellation);

        public override Task UnpauseAsync(InstanceStepContext step, CancellationToken cancellation) => Do("unpause", () => Change(step, vm => vm with { Standstill = null }), cancellation);

        public override Task SuspendAsync(InstanceStepContext step, CancellationToken cancellation) =>
            Do("suspend", () => Change(step, vm => vm with { Running = false, Standstill = PowerState.Suspended }), cancellation);

        public override Task ResumeAsync(InstanceStepContext step, CancellationToken cancellation) => Do("resume", () => Change(step, vm => vm with { Running = true, Standstill = null }), cancellation);

        public override Task RescueAsync(InstanceStepContext step, CancellationToken cancellation) =>
            Do("rescue", () => Change(step, vm => vm with { Running = true, RescueImage = step.Image!.Id, Password = step.AdminPassword }), cancellation);

        public override Task UnrescueAsync(InstanceStepContext step, CancellationToken cancellation) => Do("unrescue", () => Change(step, vm => vm with { Running = true, RescueImage = null }), cancellation);

        public override async Task<SnapshotInfo> SnapshotAsync(InstanceStepContext step, ImageTarget image, CancellationToken cancellation)
        {
            await world.Enter("snapshot", host, cancellation);
            await using (var stream = await image.OpenWrite(cancellation))
            {
                checkAlive();
                await stream.WriteAsync(new byte[100_000], cancellation);
                world.BeforeEffect("snapshot", host);
                checkAlive();
                await stream.WriteAsync(new byte[100_000], cancellation);
            }

            world.AfterEffect("snapshot", host);
            checkAlive();
            world.Leave("snapshot");
            return new SnapshotInfo("raw", 1 << 30);
        }

        public override Task SetAdminPasswordAsync(InstanceStepContext step, CancellationToken cancellation) =>
            Do("set_admin_password", () => Change(step, vm => vm with { Password = step.AdminPassword }), cancellation);

        public override Task InjectNetworkInfoAsync(InstanceStepContext step, CancellationToken cancellation) => Do("inject_network_info", () => { }, cancellation);

        public override Task ResetNetworkAsync(InstanceStepContext step, CancellationToken cancellation) => Do("reset_network", () => { }, cancellation);

        public override Task<string> GetConsoleOutputAsync(Instance instance, CancellationToken cancellation) => Task.FromResult("one\ntwo\nthree\n");

        public override async Task<string> PrepareMigrationSourceAsync(MigrationStepContext step, CancellationToken cancellation)
        {
            await Do("prepare_source", () => world.Preparations[(host, step.Migration.Uuid)] = "key", cancellation);
            return "source of " + step.Migration.Uuid;
        }

        public override async Task<string> PrepareMigrationDestinationAsync(MigrationStepContext step, CancellationToken cancellation)
        {
            Assert.Equal("source of " + step.Migration.Uuid, step.SourceOffer);
            await Do("prepare_destination", () => world.Preparations[(host, step.Migration.Uuid)] = "staging", cancellation);
            return "destination of " + step.Migration.Uuid;
        }

        public override async Task<string> MigrateDiskAndPowerOffAsync(MigrationStepContext step, CancellationToken cancellation)
        {
            Assert.Equal("destination of " + step.Migration.Uuid, step.DestinationOffer);
            world.BandwidthLimits.Enqueue(step.BandwidthLimit);
            step.Report(p => p with { Percent = 50, BytesDone = 50, BytesTotal = 100 });
            await Do(
                "migrate_disk",
                () =>
                {
                    var key = (host, step.Instance.Uuid);
                    var vm = world.Vms[key];
                    world.Vms[key] = vm with { Running = false, Blocked = true, StoppedBy = vm.Running ? step.Migration.Uuid : vm.StoppedBy };
                    world.Preparations.TryRemove((host, step.Migration.Uuid), out _);
                },
                cancellation);
            return "disks of " + step.Migration.Uuid;
        }

        public override async Task FinishMigrationAsync(MigrationStepContext step, CancellationToken cancellation)
        {
            Assert.Equal("disks of " + step.Migration.Uuid, step.DiskInfo);
            world.SourceSeen.Enqueue(await step.AskSourceAsync(cancellation));
            await Do(
                "finish",
                () =>
                {
                    world.Preparations.TryRemove((host, step.Migration.Uuid), out _);
                    Start(step.Instance.Uuid, step.Migration.Uuid, step.Migration.NewFlavor, step.Migration.PowerOn);
                },
                cancellation);
        }

        public override Task CheckMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => Do(
            "check",
            () =>
            {
                if (!world.Vms.TryGetValue((host, step.Instance.Uuid), out var vm) || vm.MadeBy != step.Migration.Uuid)
                {
                    throw new StepFailedException($"host {host} has not what migration {step.Migration.Uuid} has brought", StepRecovery.Unwind);
                }
            },
            cancellation);

        public override Task ConfirmMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => Do(
            "confirm",
            () =>
            {
                // A server that is being deleted is to have none left; what the confirm of its last migration clears away may be the last.
                if (!world._destroyed.ContainsKey(step.Instance.Uuid) && world.Vms.Keys.Count(v => v.Instance == step.Instance.Uuid) == 1 && world.Vms.ContainsKey((host, step.Instance.Uuid)))
                {
                    world._violations.Enqueue($"the last VM of {step.Instance.Uuid} was destroyed");
                }

                world.Vms.TryRemove((host, step.Instance.Uuid), out _);
                world.Preparations.TryRemove((host, step.Migration.Uuid), out _);
            },
            cancellation);

        public override Task RevertMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => Do(
            "revert",
            () =>
            {
                if (world.Vms.TryGetValue((host, step.Instance.Uuid), out var vm) && vm.MadeBy == step.Migration.Uuid)
                {
                    world.Vms.TryRemove((host, step.Instance.Uuid), out _);
                }

                world.Preparations.TryRemove((host, step.Migration.Uuid), out _);
            },
            cancellation);

        public override Task FinishRevertMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => Do(
            "finish_revert",
            () =>
            {
                var key = (host, step.Instance.Uuid);
                var vm = world.Vms[key];
                world.Vms[key] = vm with { Running = vm.Running || vm.StoppedBy == step.Migration.Uuid, Blocked = false, StoppedBy = null };
                world.CheckOneRuns(step.Instance.Uuid);
                world.Preparations.TryRemove((host, step.Migration.Uuid), out _);
            },
            cancellation);

        private void Change(StepContext step, Func<Vm, Vm> change)
        {
            var key = (host, step.Instance.Uuid);
            world.Vms[key] = change(world.Vms[key]);
            world.CheckOneRuns(step.Instance.Uuid);
        }

        private void Start(string instance, string? migration, Flavor flavor, bool running = true)
        {
            world.Vms[(host, instance)] = new Vm(running, Blocked: false, StoppedBy: null, migration, flavor.MemoryMb);
            world.CheckOneRuns(instance);
        }

        // A verb fails after its effect, the worst moment: whoever retries or undoes finds it done.
        private async Task Do(string verb, Action effect, CancellationToken cancellation)
        {
            for (var run = 0; run < (world.Twice ? 2 : 1); run++)
            {
                await world.Enter(verb, host, cancellation);
                cancellation.ThrowIfCancellationRequested();
                checkAlive();
                world.BeforeEffect(verb, host);
                checkAlive();
                effect();
                world.AfterEffect(verb, host);
                checkAlive();
                world.Leave(verb);
            }
        }
    }
}
