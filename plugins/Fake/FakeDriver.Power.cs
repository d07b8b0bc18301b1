using NovaShim.Sdk;

namespace NovaShim.Fake;

internal sealed partial class FakeDriver
{
    public override Task PowerOffAsync(InstanceStepContext step, CancellationToken cancellation) => ChangeAsync("power_off", step, (_, vm) => Hypervisor.Stop(vm, host.Name), cancellation);

    public override Task PowerOnAsync(InstanceStepContext step, CancellationToken cancellation) => ChangeAsync("power_on", step, (world, vm) => SeeRunning(world, step, vm), cancellation);

    public override Task PauseAsync(InstanceStepContext step, CancellationToken cancellation) => ChangeAsync(
        "pause",
        step,
        (_, vm) => vm.Paused = vm.Running ? true : throw new StepFailedException($"Server {step.Instance.Uuid} does not run on {host.Name}.", StepRecovery.Unwind),
        cancellation);

    public override Task UnpauseAsync(InstanceStepContext step, CancellationToken cancellation) => ChangeAsync(
        "unpause",
        step,
        (_, vm) => vm.Paused = vm.Running ? false : throw new StepFailedException($"Server {step.Instance.Uuid} does not run on {host.Name}.", StepRecovery.Unwind),
        cancellation);

    public override Task SuspendAsync(InstanceStepContext step, CancellationToken cancellation) => ChangeAsync(
        "suspend",
        step,
        (_, vm) => (vm.Running, vm.Paused, vm.Suspended) = vm.Running || vm.Suspended
            ? (false, false, true)
            : throw new StepFailedException($"Server {step.Instance.Uuid} does not run on {host.Name}.", StepRecovery.Unwind),
        cancellation);

    public override Task ResumeAsync(InstanceStepContext step, CancellationToken cancellation) => ChangeAsync(
        "resume",
        step,
        (world, vm) =>
        {
            if (vm.Suspended)
            {
                // The guest goes on where it was: nothing is written.
                Hypervisor.ThrowUnlessStartable(world, host.Name, step.Instance.Uuid, vm.MemoryMb, _settings);
                (vm.Running, vm.Suspended) = (true, false);
            }
            else if (!vm.Running)
            {
                throw new StepFailedException($"Server {step.Instance.Uuid} is not suspended on {host.Name}.", StepRecovery.Unwind);
            }
        },
        cancellation);

    private static PowerState PowerStateOf(FakeVm vm) => vm switch
    {
        { Suspended: true } => PowerState.Suspended,
        { Running: true, Paused: true } => PowerState.Paused,
        { Running: true } => PowerState.Running,
        _ => PowerState.Shutdown,
    };

    private void SeeRunning(WorldState world, InstanceStepContext step, FakeVm vm)
    {
        if (!vm.Running)
        {
            StartHere(world, step.Instance.Uuid, vm);
        }
    }

    /// <summary>Does a verb to the VM in front of a server that is here.</summary>
    private Task<FakeVm> ChangeAsync(string verb, InstanceStepContext step, Action<WorldState, FakeVm> change, CancellationToken cancellation) => DoAsync(
        verb,
        () => World.ChangeAsync(
            world =>
            {
                var vm = FindHere(world, step.Instance.Uuid);
                change(world, vm.InFront);
                return vm;
            },
            host.Time,
            cancellation),
        cancellation);
}
