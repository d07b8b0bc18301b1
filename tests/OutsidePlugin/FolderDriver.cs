using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using NovaShim.Sdk;
using Polly;
using Polly.Retry;

namespace OutsidePlugin;

/// <summary>
/// A hypervisor made of files: a host is the folder <c>root/name</c>; a VM is <c>uuid.disk</c> and <c>uuid.state</c>, which says <c>running</c>, or <c>running made-by migration</c>,
/// or <c>blocked-by migration</c>. A disk on its way is <c>uuid.disk.migration</c> at the destination.
/// </summary>
internal sealed class FolderDriver(ComputeHost host) : VirtDriver
{
    private readonly ResiliencePipeline _retries = new ResiliencePipelineBuilder { TimeProvider = host.Time }
        .AddRetry(new RetryStrategyOptions { ShouldHandle = new PredicateBuilder().Handle<IOException>(), MaxRetryAttempts = 3 })
        .Build();

    private readonly string _root = host.Settings["root"] ?? throw new ArgumentException("Setting root is missing: the folder that holds a folder for each host.");

    public override Task InitHostAsync(CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.Combine(_root, host.Name));
        return Task.CompletedTask;
    }

    public override Task<HostStats> GetHostStatsAsync(CancellationToken cancellation) => Task.FromResult(new HostStats
    {
        HypervisorHostname = host.Name,
        HypervisorType = "outside",
        HypervisorVersion = 2_005_000,
        Vcpus = 4,
        MemoryMb = 8192,
        LocalGb = 100,
        // Which of the libraries of this name it was given.
        CpuInfo = JsonSerializer.Serialize(new { polly = typeof(ResiliencePipeline).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion }),
    });

    public override async Task<InstanceInfo?> GetInfoAsync(Instance instance, CancellationToken cancellation) =>
        await StateAsync(instance.Uuid, cancellation) is not { } state ? null : new InstanceInfo(state.StartsWith("running", StringComparison.Ordinal) ? PowerState.Running : PowerState.Shutdown, []);

    public override async Task SpawnAsync(InstanceStepContext step, CancellationToken cancellation)
    {
        if (await StateAsync(step.Instance.Uuid, cancellation) is not null)
        {
            return;
        }

        await using (var image = await step.Image!.OpenRead(cancellation))
        await using (var disk = File.Create(FileOf(step.Instance.Uuid, "disk")))
        {
            await image.CopyToAsync(disk, cancellation);
        }

        await SetStateAsync(step.Instance.Uuid, "running", cancellation);
    }

    public override Task DestroyAsync(InstanceStepContext step, CancellationToken cancellation)
    {
        Delete(step.Instance.Uuid);
        return Task.CompletedTask;
    }

    public override Task RebootAsync(InstanceStepContext step, bool hard, CancellationToken cancellation) => Task.CompletedTask;

    public override async Task<string> MigrateDiskAndPowerOffAsync(MigrationStepContext step, CancellationToken cancellation)
    {
        var uuid = step.Instance.Uuid;
        await SetStateAsync(uuid, Blocked(step), cancellation);
        step.Report(p => p with { StoppedAt = p.StoppedAt ?? host.Time.GetUtcNow().UtcDateTime });
        var size = new FileInfo(FileOf(uuid, "disk")).Length;
        await _retries.ExecuteAsync(
            async token =>
            {
                await using var from = File.OpenRead(FileOf(uuid, "disk"));
                await using var to = File.Create(Path.Combine(_root, step.Migration.DestCompute, $"{uuid}.disk.{step.Migration.Uuid}"));
                await from.CopyToAsync(to, token);
            },
            cancellation);
        step.Report(p => p with { Percent = 99, BytesDone = size, BytesTotal = size });
        return JsonSerializer.Serialize(await ChecksumAsync(FileOf(uuid, "disk"), cancellation));
    }

    public override async Task FinishMigrationAsync(MigrationStepContext step, CancellationToken cancellation)
    {
        var uuid = step.Instance.Uuid;
        var staged = FileOf(uuid, "disk." + step.Migration.Uuid);
        if (await StateAsync(uuid, cancellation) is null)
        {
            if (File.Exists(staged))
            {
                File.Move(staged, FileOf(uuid, "disk"), overwrite: true);
            }

            if (!File.Exists(FileOf(uuid, "disk")) || await ChecksumAsync(FileOf(uuid, "disk"), cancellation) != JsonSerializer.Deserialize<string>(step.DiskInfo!))
            {
                throw new StepFailedException($"The disk of {uuid} on {host.Name} is not what {step.Migration.SourceCompute} has sent.", StepRecovery.CopyAgain);
            }

            await SetStateAsync(uuid, Made(step), cancellation);
        }

        File.Delete(staged);
        step.Report(p => p with { Percent = 100, StartedAt = p.StartedAt ?? host.Time.GetUtcNow().UtcDateTime });
    }

    public override async Task ConfirmMigrationAsync(MigrationStepContext step, CancellationToken cancellation)
    {
        if (await StateAsync(step.Instance.Uuid, cancellation) == Blocked(step))
        {
            Delete(step.Instance.Uuid);
        }
    }

    public override async Task RevertMigrationAsync(MigrationStepContext step, CancellationToken cancellation)
    {
        if (await StateAsync(step.Instance.Uuid, cancellation) is not { } state || state == Made(step))
        {
            Delete(step.Instance.Uuid);
        }

        File.Delete(FileOf(step.Instance.Uuid, "disk." + step.Migration.Uuid));
    }

    public override async Task FinishRevertMigrationAsync(MigrationStepContext step, CancellationToken cancellation)
    {
        if (await StateAsync(step.Instance.Uuid, cancellation) == Blocked(step))
        {
            await SetStateAsync(step.Instance.Uuid, "running", cancellation);
        }
    }

    private static string Blocked(MigrationStepContext step) => $"blocked-by {step.Migration.Uuid}";

    private static string Made(MigrationStepContext step) => $"running made-by {step.Migration.Uuid}";

    private static async Task<string> ChecksumAsync(string file, CancellationToken cancellation)
    {
        await using var stream = File.OpenRead(file);
        return Convert.ToHexString(await SHA256.HashDataAsync(stream, cancellation));
    }

    private string FileOf(string uuid, string kind) => Path.Combine(_root, host.Name, $"{uuid}.{kind}");

    private async Task<string?> StateAsync(string uuid, CancellationToken cancellation) => File.Exists(FileOf(uuid, "state")) ? await File.ReadAllTextAsync(FileOf(uuid, "state"), cancellation) : null;

    private async Task SetStateAsync(string uuid, string state, CancellationToken cancellation)
    {
        await File.WriteAllTextAsync(FileOf(uuid, "state.new"), state, cancellation);
        File.Move(FileOf(uuid, "state.new"), FileOf(uuid, "state"), overwrite: true);
    }

    private void Delete(string uuid)
    {
        File.Delete(FileOf(uuid, "state"));
        File.Delete(FileOf(uuid, "disk"));
    }
}
