using System.Text.Json;
using NovaShim.Sdk;

namespace NovaShim.Fake;

internal sealed partial class FakeDriver
{
    /// <summary>How often the copy reports, and how often it saves how far it is.</summary>
    private static readonly TimeSpan _beat = TimeSpan.FromMilliseconds(100);

    public override Task<string> PrepareMigrationSourceAsync(MigrationStepContext step, CancellationToken cancellation) => DoAsync(
        "prepare_migration_source",
        () => World.ChangeAsync(
            world =>
            {
                FindHere(world, step.Instance.Uuid);
                world.Host(host.Name).Keys.Add(step.Migration.Uuid);
                return JsonSerializer.Serialize(new MigrationOffer(host.Name), FakeJson.Default.MigrationOffer);
            },
            host.Time,
            cancellation),
        cancellation);

    public override Task<string> PrepareMigrationDestinationAsync(MigrationStepContext step, CancellationToken cancellation) => DoAsync(
        "prepare_migration_destination",
        () => World.ChangeAsync(
            world =>
            {
                var (state, uuid, flavor) = (world.Host(host.Name), step.Instance.Uuid, step.Migration.NewFlavor);
                if (state.Vms.TryGetValue(uuid, out var vm) && vm.MadeBy != step.Migration.Uuid)
                {
                    throw new StepFailedException($"Host {host.Name} has a VM of server {uuid} already, from elsewhere.", StepRecovery.Reschedule);
                }

                if (!state.Incoming.ContainsKey(step.Migration.Uuid))
                {
                    Hypervisor.ThrowUnlessRoom(state, host.Name, Hypervisor.Disks(flavor, 0).Sum(d => d.Size), _settings);
                }

                state.Keys.Add(step.Migration.Uuid);
                return JsonSerializer.Serialize(new MigrationOffer(host.Name), FakeJson.Default.MigrationOffer);
            },
            host.Time,
            cancellation),
        cancellation);

    public override Task<string> MigrateDiskAndPowerOffAsync(MigrationStepContext step, CancellationToken cancellation) => DoAsync(
        "migrate_disk_and_power_off",
        async () =>
        {
            var (uuid, migration) = (step.Instance.Uuid, step.Migration);

            // The base goes while the guest runs. A second run sends only what had not arrived, and nothing when the guest has been stopped since.
            var (size, stopped) = await World.ChangeAsync(
                world =>
                {
                    var vm = FindHere(world, uuid);
                    return vm.BlockedBy is null || vm.BlockedBy == migration.Uuid
                        ? (vm.Disks.Sum(d => d.Size), vm.BlockedBy is not null)
                        : throw new StepFailedException($"Server {uuid} is held by migration {vm.BlockedBy} on {host.Name}.", StepRecovery.Unwind);
                },
                host.Time,
                cancellation);
            var delta = _settings.DeltaBytes;
            if (!stopped)
            {
                var sent = Math.Min(step.Checkpoint(FakeJson.Default.CopyNote)?.BytesSent ?? 0, size);
                await CopyAsync(step, new CopyRound("base", sent, 0, GuestRunning: true), size, size + delta, (0, 90), cancellation);
            }

            // From here to the start at the destination the server is down.
            await World.ChangeAsync(
                world =>
                {
                    var vm = FindHere(world, uuid);
                    vm.StartAgain |= vm.Running;
                    vm.BlockedBy = migration.Uuid;
                    Hypervisor.Stop(vm, host.Name);
                    return vm;
                },
                host.Time,
                cancellation);
            step.Report(p => p with { StoppedAt = p.StoppedAt ?? (migration.PowerOn ? host.Time.GetUtcNow().UtcDateTime : null) });
            await CopyAsync(step, new CopyRound("last delta", 0, 0, GuestRunning: false), delta, size + delta, (90, 99), cancellation);
            var disks = await World.ChangeAsync(world => Deliver(world, uuid, migration), host.Time, cancellation);
            step.Report(p => p with { Percent = 99 });
            return JsonSerializer.Serialize(new DiskInfo([.. disks.Select(d => new SentDisk(d.Name, Hypervisor.Checksum(d)))]), FakeJson.Default.DiskInfo);
        },
        cancellation);

    public override Task FinishMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => DoAsync(
        "finish_migration",
        async () =>
        {
            var vm = await World.ChangeAsync(world => Rebuild(world, step), host.Time, cancellation);
            step.Report(p => p with { Percent = 100, StartedAt = p.StartedAt ?? (vm.Running ? host.Time.GetUtcNow().UtcDateTime : null) });
            return vm;
        },
        cancellation);

    public override Task CheckMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => DoAsync(
        "check_migration",
        () => World.ChangeAsync(
            world => world.Host(host.Name).Vms.TryGetValue(step.Instance.Uuid, out var vm) && vm.MadeBy == step.Migration.Uuid
                ? vm
                : throw new StepFailedException($"Host {host.Name} has no VM of server {step.Instance.Uuid} that migration {step.Migration.Uuid} has brought.", StepRecovery.Unwind),
            host.Time,
            cancellation),
        cancellation);

    public override Task ConfirmMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => DoAsync(
        "confirm_migration",
        () => World.ChangeAsync(
            world =>
            {
                var state = world.Host(host.Name);
                // Only what this migration has stopped: by the time of a late second run the server may have come back to this host.
                if (state.Vms.TryGetValue(step.Instance.Uuid, out var vm) && vm.BlockedBy == step.Migration.Uuid)
                {
                    Hypervisor.ThrowIfLast(world, host.Name, step.Instance.Uuid, "confirm_migration");
                    state.Vms.Remove(step.Instance.Uuid);
                }

                return state.Keys.Remove(step.Migration.Uuid);
            },
            host.Time,
            cancellation),
        cancellation);

    public override Task RevertMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => DoAsync(
        "revert_migration",
        () => World.ChangeAsync(
            world =>
            {
                var state = world.Host(host.Name);
                if (state.Vms.TryGetValue(step.Instance.Uuid, out var vm) && vm.MadeBy == step.Migration.Uuid)
                {
                    Hypervisor.ThrowIfLast(world, host.Name, step.Instance.Uuid, "revert_migration");
                    state.Vms.Remove(step.Instance.Uuid);
                }

                state.Incoming.Remove(step.Migration.Uuid);
                return state.Keys.Remove(step.Migration.Uuid);
            },
            host.Time,
            cancellation),
        cancellation);

    public override Task FinishRevertMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => DoAsync(
        "finish_revert_migration",
        () => World.ChangeAsync(
            world =>
            {
                var (state, uuid) = (world.Host(host.Name), step.Instance.Uuid);
                if (state.Vms.TryGetValue(uuid, out var vm) && vm.BlockedBy == step.Migration.Uuid)
                {
                    if (vm.StartAgain)
                    {
                        Hypervisor.ThrowUnlessStartable(world, host.Name, uuid, vm.MemoryMb, _settings);
                        Hypervisor.Start(vm, host.Name);
                    }

                    (vm.BlockedBy, vm.StartAgain) = (null, false);
                }

                return state.Keys.Remove(step.Migration.Uuid);
            },
            host.Time,
            cancellation),
        cancellation);

    /// <summary>The last of the transfer: the disks, as the stopped guest has left them, are at the destination.</summary>
    private List<FakeDisk> Deliver(WorldState world, string uuid, Migration migration)
    {
        var destination = world.Host(migration.DestCompute);
        if (!world.Host(host.Name).Keys.Contains(migration.Uuid) || !destination.Keys.Contains(migration.Uuid))
        {
            throw new StepFailedException($"Host {migration.DestCompute} does not let {host.Name} in for migration {migration.Uuid}.");
        }

        return destination.Incoming[migration.Uuid] = [.. FindHere(world, uuid).Disks.Select(d => d.Copy())];
    }

    private FakeVm Rebuild(WorldState world, MigrationStepContext step)
    {
        var (state, uuid, migration) = (world.Host(host.Name), step.Instance.Uuid, step.Migration);
        if (!state.Vms.TryGetValue(uuid, out var vm))
        {
            var expected = step.DiskInfo is null ? null : JsonSerializer.Deserialize(step.DiskInfo, FakeJson.Default.DiskInfo);
            if (expected is null
                || !state.Incoming.TryGetValue(migration.Uuid, out var disks)
                || !disks.Select(d => new SentDisk(d.Name, Hypervisor.Checksum(d))).SequenceEqual(expected.Disks))
            {
                throw new StepFailedException($"The disks of server {uuid} on {host.Name} are not those that {migration.SourceCompute} has sent.", StepRecovery.CopyAgain);
            }

            Hypervisor.ThrowUnlessStartable(world, host.Name, uuid, migration.NewFlavor.MemoryMb, _settings);
            vm = state.Vms[uuid] = new FakeVm
            {
                Name = step.Instance.Name,
                MemoryMb = migration.NewFlavor.MemoryMb,
                Vcpus = migration.NewFlavor.Vcpus,
                Disks = Hypervisor.Grow(disks, migration.NewFlavor),
                MadeBy = migration.Uuid,
            };
        }
        else if (vm.MadeBy != migration.Uuid)
        {
            throw new StepFailedException($"Host {host.Name} has a VM of server {uuid} already, from elsewhere.", StepRecovery.Unwind);
        }

        if (!vm.Running && migration.PowerOn)
        {
            StartHere(world, uuid, vm);
        }

        state.Incoming.Remove(migration.Uuid);
        state.Keys.Remove(migration.Uuid);
        return vm;
    }

    /// <summary>Takes as long as so many bytes take, reports them, and saves how far the first round is.</summary>
    private async Task CopyAsync(MigrationStepContext step, CopyRound round, long bytes, long total, (int From, int To) percent, CancellationToken cancellation)
    {
        var begun = host.Time.GetTimestamp();
        var index = step.Progress.Rounds.Count;
        var earlier = step.Progress.BytesDone - round.Bytes;
        var saved = TimeSpan.Zero;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var elapsed = host.Time.GetElapsedTime(begun);
            var speed = _settings.CopyBytesPerSecond;
            var sent = speed == 0 ? bytes : Math.Min(bytes, round.Bytes + (long)(elapsed.TotalSeconds * speed));
            step.Report(p => p with
            {
                Percent = Math.Max(p.Percent, percent.From + (int)((percent.To - percent.From) * (bytes == 0 ? 1 : (double)sent / bytes))),
                BytesDone = Math.Max(0, earlier) + sent,
                BytesTotal = Math.Max(total, Math.Max(0, earlier) + sent),
                Rounds = [.. p.Rounds.Take(index), round with { Bytes = sent - round.Bytes, Seconds = elapsed.TotalSeconds }],
            });
            if (round.GuestRunning && (sent == bytes || elapsed - saved > 10 * _beat))
            {
                await step.SaveCheckpointAsync(new CopyNote(sent), FakeJson.Default.CopyNote, cancellation);
                saved = elapsed;
            }

            if (sent == bytes)
            {
                return;
            }

            await Task.Delay(_beat, host.Time, cancellation);
        }
    }
}
