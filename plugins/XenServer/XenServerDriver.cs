using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.XenServer.Migrations;
using NovaShim.XenServer.Servers;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer;

/// <summary>Nova's verbs on one XenServer host.</summary>
internal sealed partial class XenServerDriver : VirtDriver
{
    private const long MiB = 1 << 20;
    private const long GiB = 1 << 30;

    private static readonly string[] RepositoryTypes = ["ext", "nfs", "file", "smb"];

    private readonly XenServerHost _host;
    private readonly ServerVms _vms;

    public XenServerDriver(ComputeHost host)
    {
        _host = new XenServerHost(host);
        _vms = new ServerVms(_host, host.LoggerFactory.CreateLogger<ServerVms>());
    }

    public override async Task InitHostAsync(CancellationToken cancellation)
    {
        await _host.ReferenceAsync(cancellation);
        var sr = await SR.get_record(_host.Session, await _host.SrAsync(cancellation), cancellation);
        if (!RepositoryTypes.Contains(sr.type))
        {
            throw new StepFailedException(
                $"The storage repository {sr.uuid} (sr_uuid) of {_host.Name} is of type {sr.type}; its disks must be VHD files, as in those of type {string.Join(", ", RepositoryTypes)}.");
        }

        await _host.Dom0.RunAsync(
            "looking at dom0",
            """
            for command in rsync ssh ssh-keygen vhd-util sha256sum find flock; do
                command -v $command >/dev/null || { echo "$command is missing" >&2; exit 1; }
            done
            [ -d "$1" ] || { echo "$1 (sr_path) is no folder" >&2; exit 1; }
            """,
            [_host.Settings.SrPath], cancellation);
    }

    public override async Task<HostStats> GetHostStatsAsync(CancellationToken cancellation)
    {
        var reference = await _host.ReferenceAsync(cancellation);
        var host = (await Host.get_all_records(_host.Session, cancellation))[reference];
        var sr = await SR.get_record(_host.Session, await _host.SrAsync(cancellation), cancellation);

        // What guests may have: what is free, and what they have. The rest is dom0's and the hypervisor's.
        var memory = await Host.compute_free_memory(_host.Session, reference, cancellation);
        foreach (var vm in (await VM.get_all_records(_host.Session, cancellation)).Values)
        {
            memory += vm is { is_control_domain: false, is_a_template: false } && vm.resident_on == reference ? vm.memory_dynamic_max : 0;
        }

        var metrics = await HostMetrics.get_record(_host.Session, host.metrics, cancellation);
        return new HostStats
        {
            HypervisorHostname = host.hostname.Length > 0 ? host.hostname : host.name_label,
            HypervisorType = "xen",
            HypervisorVersion = ToNova(host.software_version.GetValueOrDefault("product_version") ?? ""),
            Vcpus = int.TryParse(host.cpu_info.GetValueOrDefault("cpu_count"), NumberStyles.None, CultureInfo.InvariantCulture, out var cpus) ? cpus : 1,
            MemoryMb = (int)(Math.Min(memory, metrics.memory_total) / MiB),
            LocalGb = (int)(sr.physical_size / GiB),
            LocalGbUsed = (int)(sr.physical_utilisation / GiB),
            HostIp = _host.Settings.SshHost,
            CpuInfo = CpuInfo(host.cpu_info),
            BootedAt = BootedAt(host.other_config.GetValueOrDefault("boot_time")),
        };
    }

    /// <summary>xapi notes the boot as seconds since 1970, with a point behind them.</summary>
    private static DateTime? BootedAt(string? bootTime) =>
        double.TryParse(bootTime, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and < 253_402_300_799
            ? DateTimeOffset.FromUnixTimeSeconds((long)seconds).UtcDateTime
            : null;

    public override async Task<InstanceInfo?> GetInfoAsync(Instance instance, CancellationToken cancellation) => (await GetInfosAsync([instance], cancellation)).GetValueOrDefault(instance.Uuid);

    public override async Task<IReadOnlyDictionary<string, InstanceInfo>> GetInfosAsync(IReadOnlyCollection<Instance> instances, CancellationToken cancellation)
    {
        var infos = new Dictionary<string, InstanceInfo>();
        foreach (var (instance, vm) in await _vms.FindInFrontAsync([.. instances.Select(i => i.Uuid)], cancellation))
        {
            infos[instance] = await InfoAsync(vm, cancellation);
        }

        return infos;
    }

    private async Task<InstanceInfo> InfoAsync(Found vm, CancellationToken cancellation)
    {
        var addresses = new List<string>();
        if (vm.Record.guest_metrics != XenApiJson.Null)
        {
            try
            {
                var metrics = await VMGuestMetrics.get_record(_host.Session, vm.Record.guest_metrics, cancellation);
                addresses.AddRange(metrics.networks.OrderBy(n => n.Key, StringComparer.Ordinal).Where(n => n.Key.Contains("/ip", StringComparison.Ordinal)).Select(n => n.Value).Where(IsOfItsNetwork).Distinct());
            }
            catch (Failure f) when (f.IsGone)
            {
                // The guest has just gone down.
                addresses.Clear();
            }
        }

        return new InstanceInfo(PowerStates.ToNova(vm.Record.power_state), addresses);
    }

    /// <summary>Whether a network has given it: every interface gives itself one for its own link, by which no user reaches the guest.</summary>
    private static bool IsOfItsNetwork(string address) => IPAddress.TryParse(address, out var parsed) && !parsed.IsIPv6LinkLocal;

    public override bool ForcesConfigDrive => _host.Settings.ForceConfigDrive;

    public override Task SpawnAsync(InstanceStepContext step, CancellationToken cancellation) => new ServerBuild(_host, _vms, step).SpawnAsync(cancellation);

    public override async Task DestroyAsync(InstanceStepContext step, CancellationToken cancellation)
    {
        await new ServerRescue(_host, _vms, step).EndAsync(within: null, cancellation);
        bool Ours(VDI disk) => disk.other_config.GetValueOrDefault(Marks.Instance) == step.Instance.Uuid;
        foreach (var vm in await _vms.FindAllAsync(Marks.Instance, step.Instance.Uuid, cancellation))
        {
            await _vms.StopAsync(vm, within: null, cancellation);
            await _vms.DestroySnapshotsAsync(vm, snapshot => snapshot.other_config.GetValueOrDefault(Marks.Instance) == step.Instance.Uuid, cancellation);
            await _vms.DestroyAsync(vm, Ours, cancellation);
        }

        await _vms.DestroyDisksAsync(Ours, cancellation);
    }

    public override Task<string> PrepareMigrationSourceAsync(MigrationStepContext step, CancellationToken cancellation) => Source(step).PrepareAsync(cancellation);

    public override Task<string> PrepareMigrationDestinationAsync(MigrationStepContext step, CancellationToken cancellation) => Destination(step).PrepareAsync(cancellation);

    public override Task<string> MigrateDiskAndPowerOffAsync(MigrationStepContext step, CancellationToken cancellation) => Source(step).CopyAsync(cancellation);

    public override Task FinishMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => Destination(step).FinishAsync(cancellation);

    public override Task CheckMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => Destination(step).CheckAsync(cancellation);

    public override Task ConfirmMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => Source(step).ConfirmAsync(cancellation);

    public override Task RevertMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => Destination(step).RevertAsync(cancellation);

    public override Task FinishRevertMigrationAsync(MigrationStepContext step, CancellationToken cancellation) => Source(step).RevertAsync(cancellation);

    public override async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <summary>A version as one integer, Nova's way: 8.2.1 is 8002001.</summary>
    internal static int ToNova(string version)
    {
        var parts = version.Split('.').Select(p => int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? Math.Min(n, 999) : 0).Take(3).ToArray();
        return (parts.ElementAtOrDefault(0) * 1_000_000) + (parts.ElementAtOrDefault(1) * 1_000) + parts.ElementAtOrDefault(2);
    }

    // The fields of Nova's XenAPI driver.
    private static string CpuInfo(Dictionary<string, string> cpu) => new JsonObject
    {
        ["vendor"] = cpu.GetValueOrDefault("vendor", ""),
        ["model"] = cpu.GetValueOrDefault("modelname", ""),
        ["features"] = new JsonArray([.. cpu.GetValueOrDefault("flags", "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(f => (JsonNode)f)]),
        ["topology"] = new JsonObject
        {
            ["sockets"] = int.TryParse(cpu.GetValueOrDefault("socket_count"), NumberStyles.None, CultureInfo.InvariantCulture, out var sockets) ? sockets : 1,
        },
    }.ToJsonString(JsonSerializerOptions.Default);

    private SourceMigration Source(MigrationStepContext step) => new(_host, _vms, step);

    private DestinationMigration Destination(MigrationStepContext step) => new(_host, _vms, step);
}
