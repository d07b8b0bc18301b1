using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NovaShim.Sdk;

namespace NovaShim.Fake;

internal sealed partial class FakeDriver
{
    public override Task SetAdminPasswordAsync(InstanceStepContext step, CancellationToken cancellation) =>
        ChangeGuestAsync("set_admin_password", step, vm => vm.PasswordSha256 = Sha256(step.AdminPassword!), cancellation);

    public override Task InjectFileAsync(InstanceStepContext step, InjectedFile file, CancellationToken cancellation) => ChangeGuestAsync("inject_file", step, vm => PutIn(vm, file), cancellation);

    public override Task InjectNetworkInfoAsync(InstanceStepContext step, CancellationToken cancellation) => ChangeAsync("inject_network_info", step, (_, _) => { }, cancellation);

    public override Task ResetNetworkAsync(InstanceStepContext step, CancellationToken cancellation) => ChangeGuestAsync("reset_network", step, _ => { }, cancellation);

    /// <summary>What a guest writes when it starts and stops, as far as its disk remembers.</summary>
    public override Task<string> GetConsoleOutputAsync(Instance instance, CancellationToken cancellation) => DoAsync(
        "get_console_output",
        () => World.ChangeAsync(
            world =>
            {
                var vm = FindHere(world, instance.Uuid).InFront;
                var console = new StringBuilder();
                foreach (var line in vm.Disks[0].Journal)
                {
                    if (line.StartsWith("start ", StringComparison.Ordinal))
                    {
                        console.Append(CultureInfo.InvariantCulture, $"Booting {vm.Name}\nmemory: {vm.MemoryMb} MiB\n");
                        Enumerable.Range(0, vm.Vcpus).ToList().ForEach(n => console.Append(CultureInfo.InvariantCulture, $"cpu{n}: online\n"));
                        vm.Disks.ForEach(d => console.Append(CultureInfo.InvariantCulture, $"disk {d.Name}: {d.Size} bytes\n"));
                        console.Append(CultureInfo.InvariantCulture, $"eth0: {Hypervisor.Address(instance.Uuid)}\n");
                        console.Append("Mounting root\nStarting system log\nStarting network\nStarting remote shell\nReached the end of the boot\nlogin:\n");
                    }
                    else if (line.StartsWith("stop ", StringComparison.Ordinal))
                    {
                        console.Append("Stopping network\nUnmounting root\nPower down\n");
                    }
                }

                return console.ToString();
            },
            host.Time,
            cancellation),
        cancellation);

    public override Task<IReadOnlyDictionary<string, double>> GetDiagnosticsAsync(Instance instance, CancellationToken cancellation) => DoAsync(
        "get_diagnostics",
        () => World.ChangeAsync(
            world =>
            {
                var vm = FindHere(world, instance.Uuid).InFront;
                var figures = new SortedDictionary<string, double>(StringComparer.Ordinal) { ["memory"] = vm.MemoryMb * 1024.0, ["vcpus"] = vm.Vcpus };
                foreach (var disk in vm.Disks)
                {
                    figures[$"{disk.Name}_capacity"] = disk.Size;
                    figures[$"{disk.Name}_write_req"] = disk.Journal.Count;
                }

                return (IReadOnlyDictionary<string, double>)figures;
            },
            host.Time,
            cancellation),
        cancellation);

    private Task<FakeVm> ChangeGuestAsync(string verb, InstanceStepContext step, Action<FakeVm> change, CancellationToken cancellation) => ChangeAsync(
        verb,
        step,
        (_, vm) => change(vm is { Running: true, Paused: false } ? vm : throw new StepFailedException($"The guest of server {step.Instance.Uuid} does not run on {host.Name}.", StepRecovery.Unwind)),
        cancellation);

    private static void PutIn(FakeVm vm, InstanceStepContext step)
    {
        vm.PasswordSha256 = step.AdminPassword is { } password ? Sha256(password) : vm.PasswordSha256;
        if (step.Instance.KeyData is { } key)
        {
            PutIn(vm, new InjectedFile("/root/.ssh/authorized_keys", Encoding.UTF8.GetBytes(key)));
        }

        foreach (var file in step.InjectedFiles)
        {
            PutIn(vm, file);
        }
    }

    private static void PutIn(FakeVm vm, InjectedFile file) => (vm.Files ??= new(StringComparer.Ordinal))[file.Path] = Convert.ToBase64String(file.Contents.Span);

    private static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
