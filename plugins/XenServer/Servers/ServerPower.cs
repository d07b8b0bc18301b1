using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Servers;

/// <summary>Nova's verbs of power on the VM that is the server to its user. Each looks first: what is so already is left alone, what makes no sense is refused for good.</summary>
internal sealed partial class ServerPower(XenServerHost host, ServerVms vms, Instance instance)
{
    private readonly Session _session = host.Session;
    private readonly ILogger _log = host.Logs.CreateLogger<ServerPower>();

    /// <summary>Nova's <c>power_off</c>: clean, then hard.</summary>
    public async Task OffAsync(CancellationToken cancellation) => await vms.StopAsync(await vms.GetInFrontAsync(instance.Uuid, cancellation), host.Settings.ShutdownTimeout, cancellation);

    /// <summary>Nova's <c>power_on</c>.</summary>
    public Task OnAsync(CancellationToken cancellation) =>
        ChangeAsync("started", PowerStates.Halted, PowerStates.Running, vm => vms.StartAsync(vm, StepRecovery.Unwind, cancellation), cancellation);

    /// <summary>Nova's <c>pause</c>.</summary>
    public Task PauseAsync(CancellationToken cancellation) =>
        ChangeAsync("paused", PowerStates.Running, PowerStates.Paused, vm => VM.pause(_session, vm.Reference, cancellation), cancellation);

    /// <summary>Nova's <c>unpause</c>.</summary>
    public Task UnpauseAsync(CancellationToken cancellation) =>
        ChangeAsync("unpaused", PowerStates.Paused, PowerStates.Running, vm => VM.unpause(_session, vm.Reference, cancellation), cancellation);

    /// <summary>Nova's <c>suspend</c>.</summary>
    public async Task SuspendAsync(CancellationToken cancellation)
    {
        try
        {
            await ChangeAsync("suspended", PowerStates.Running, PowerStates.Suspended, vm => VM.suspend(_session, vm.Reference, cancellation), cancellation);
        }
        catch (Failure f) when (f.Code is Failure.VM_MISSING_PV_DRIVERS or Failure.VM_LACKS_FEATURE or Failure.VM_LACKS_FEATURE_SUSPEND)
        {
            throw new VerbNotSupportedException("suspend", f);
        }
    }

    /// <summary>Nova's <c>resume</c>.</summary>
    public Task ResumeAsync(CancellationToken cancellation) => ChangeAsync("resumed", PowerStates.Suspended, PowerStates.Running, vm => ResumeAsync(vm, cancellation), cancellation);

    /// <summary>Nova's <c>reboot</c>: whatever state the VM was in, it runs afterwards.</summary>
    public async Task RebootAsync(bool hard, CancellationToken cancellation)
    {
        var vm = await vms.GetInFrontAsync(instance.Uuid, cancellation);
        if (!hard && vm.Record.power_state == PowerStates.Running)
        {
            try
            {
                await VM.clean_reboot(_session, vm.Reference, host.Settings.ShutdownTimeout, cancellation);
                return;
            }
            catch (Exception e) when (e is Failure or TimeoutException)
            {
                LogNoCleanReboot(vm.Record.name_label, e.Message);
            }
        }
        else if (vm.Record.power_state is PowerStates.Running or PowerStates.Paused)
        {
            try
            {
                await VM.hard_reboot(_session, vm.Reference, cancellation);
                return;
            }
            catch (Failure f) when (f.Code == Failure.VM_BAD_POWER_STATE)
            {
                // It went down by itself in between.
                LogNoCleanReboot(vm.Record.name_label, f.Message);
            }
        }

        // A guest that does not heed, is suspended (there is no other way out of that than to lose its memory) or is down.
        await vms.StopAsync(vm, within: null, cancellation);
        await vms.StartAsync(vm, StepRecovery.Retry, cancellation);
    }

    /// <summary>Sees to it that a VM runs, from wherever it is.</summary>
    public async Task SeeRunningAsync(Found vm, CancellationToken cancellation)
    {
        switch (await vms.StateAsync(vm.Reference, cancellation))
        {
            case PowerStates.Halted:
                await vms.StartAsync(vm, StepRecovery.Retry, cancellation);
                break;
            case PowerStates.Paused:
                await VM.unpause(_session, vm.Reference, cancellation);
                break;
            case PowerStates.Suspended:
                await ResumeAsync(vm, cancellation);
                break;
        }
    }

    private async Task ResumeAsync(Found vm, CancellationToken cancellation)
    {
        try
        {
            await VM.resume_on(_session, vm.Reference, await host.ReferenceAsync(cancellation), cancellation);
        }
        catch (Failure f) when (f.IsOutOfMemory)
        {
            throw new StepFailedException($"The host {host.Name} has not enough free memory for {vm.Record.name_label} to go on: {f.Message}", StepRecovery.Unwind, f);
        }
    }

    private async Task ChangeAsync(string what, string from, string to, Func<Found, Task> change, CancellationToken cancellation)
    {
        var vm = await vms.GetInFrontAsync(instance.Uuid, cancellation);
        var state = vm.Record.power_state;
        if (state == to)
        {
            return;
        }

        if (state == from)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                await change(vm);
                return;
            }
            catch (Failure f) when (f.Code == Failure.OPERATION_BLOCKED)
            {
                throw new StepFailedException($"The VM {vm.Record.name_label} on {host.Name} cannot be {what}: somebody has blocked it ({f.Message}).", StepRecovery.Unwind, f);
            }
            catch (Failure f) when (f.Code == Failure.VM_BAD_POWER_STATE)
            {
                // Another run's call, or the guest itself, was faster.
                state = await vms.StateAsync(vm.Reference, cancellation);
                if (state == to)
                {
                    return;
                }
            }
        }

        throw new StepFailedException($"The VM {vm.Record.name_label} on {host.Name} is {state}: it cannot be {what}.", StepRecovery.Unwind);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Vm} did not reboot in order: {Reason}")]
    private partial void LogNoCleanReboot(string vm, string reason);
}
