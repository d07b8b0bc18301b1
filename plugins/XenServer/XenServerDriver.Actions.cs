using NovaShim.Sdk;
using NovaShim.XenServer.Guests;
using NovaShim.XenServer.Servers;

namespace NovaShim.XenServer;

internal sealed partial class XenServerDriver
{
    public override Task RebootAsync(InstanceStepContext step, bool hard, CancellationToken cancellation) => Power(step).RebootAsync(hard, cancellation);

    public override Task PowerOffAsync(InstanceStepContext step, CancellationToken cancellation) => Power(step).OffAsync(cancellation);

    public override Task PowerOnAsync(InstanceStepContext step, CancellationToken cancellation) => Power(step).OnAsync(cancellation);

    public override Task PauseAsync(InstanceStepContext step, CancellationToken cancellation) => Power(step).PauseAsync(cancellation);

    public override Task UnpauseAsync(InstanceStepContext step, CancellationToken cancellation) => Power(step).UnpauseAsync(cancellation);

    public override Task SuspendAsync(InstanceStepContext step, CancellationToken cancellation) => Power(step).SuspendAsync(cancellation);

    public override Task ResumeAsync(InstanceStepContext step, CancellationToken cancellation) => Power(step).ResumeAsync(cancellation);

    public override Task RescueAsync(InstanceStepContext step, CancellationToken cancellation) => new ServerRescue(_host, _vms, step).RescueAsync(cancellation);

    public override Task UnrescueAsync(InstanceStepContext step, CancellationToken cancellation) => new ServerRescue(_host, _vms, step).UnrescueAsync(cancellation);

    public override Task RebuildAsync(InstanceStepContext step, CancellationToken cancellation) => new ServerRebuild(_host, _vms, step).RebuildAsync(cancellation);

    public override Task<SnapshotInfo> SnapshotAsync(InstanceStepContext step, ImageTarget image, CancellationToken cancellation) =>
        new ServerSnapshot(_host, _vms, step, image).TakeAsync(cancellation);

    public override Task<string> GetConsoleOutputAsync(Instance instance, CancellationToken cancellation) => new ServerConsole(_host, _vms, instance).ReadAsync(cancellation);

    public override Task<IReadOnlyDictionary<string, double>> GetDiagnosticsAsync(Instance instance, CancellationToken cancellation) =>
        new ServerFigures(_host, _vms, instance).ReadAsync(cancellation);

    public override Task InjectNetworkInfoAsync(InstanceStepContext step, CancellationToken cancellation) => new ServerNetworkInfo(_host, _vms, step.Instance).WriteAsync(cancellation);

    public override Task SetAdminPasswordAsync(InstanceStepContext step, CancellationToken cancellation) => Guest(step).SetPasswordAsync(step.AdminPassword!, cancellation);

    public override Task InjectFileAsync(InstanceStepContext step, InjectedFile file, CancellationToken cancellation) => Guest(step).PutFileAsync(file, cancellation);

    public override Task ResetNetworkAsync(InstanceStepContext step, CancellationToken cancellation) => Guest(step).ResetNetworkAsync(cancellation);

    private GuestVerbs Guest(InstanceStepContext step) => new(_host, _vms, step.Instance);

    private ServerPower Power(InstanceStepContext step) => new(_host, _vms, step.Instance);
}
