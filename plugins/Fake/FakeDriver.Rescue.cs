using NovaShim.Sdk;

namespace NovaShim.Fake;

internal sealed partial class FakeDriver
{
    public override Task RescueAsync(InstanceStepContext step, CancellationToken cancellation) => DoAsync(
        "rescue",
        async () =>
        {
            var image = step.Image ?? throw new StepFailedException($"There is no image to rescue server {step.Instance.Uuid} with.", StepRecovery.Unwind);
            var content = await FakeImage.ReadAsync(image, cancellation);
            return await World.ChangeAsync(world => Rescue(world, step, image, content), host.Time, cancellation);
        },
        cancellation);

    public override Task UnrescueAsync(InstanceStepContext step, CancellationToken cancellation) => DoAsync(
        "unrescue",
        () => World.ChangeAsync(
            world =>
            {
                var vm = FindHere(world, step.Instance.Uuid);
                vm.Rescue = null;
                SeeRunning(world, step, vm);
                return vm;
            },
            host.Time,
            cancellation),
        cancellation);

    private FakeVm Rescue(WorldState world, InstanceStepContext step, Image image, FakeImage content)
    {
        var uuid = step.Instance.Uuid;
        var vm = FindHere(world, uuid);
        if (vm.Rescue is null)
        {
            var root = new FakeDisk { Name = "root", Size = content.Size, Journal = [.. content.Journal, $"image {image.Id}"] };
            Hypervisor.ThrowUnlessRoom(world.Host(host.Name), host.Name, root.Size, _settings);
            if (vm.BlockedBy is { } migration)
            {
                throw new StepFailedException($"Server {uuid} cannot be rescued on {host.Name}: migration {migration} holds it.", StepRecovery.Unwind);
            }

            Hypervisor.Stop(vm, host.Name);
            vm.Rescue = new FakeVm { Name = vm.Name + "-rescue", MemoryMb = vm.MemoryMb, Vcpus = vm.Vcpus, Disks = [root] };
            PutIn(vm.Rescue, step);
        }

        SeeRunning(world, step, vm.Rescue);
        return vm;
    }
}
