using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Images;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Scheduling;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Tests;

/// <summary>
/// A control plane whose every step a test takes by hand: no hosted services, no real time, no messages (a lost message changes nothing but latency). Its processes — one per host, one for
/// the scheduler and the API — share a store and a world; each can die between any two writes and be started again.
/// </summary>
internal sealed class HandDriven : IDisposable
{
    /// <summary>A second process that does the scheduler's work, once it is started.</summary>
    public const string OtherScheduler = "the other scheduler";

    public const string ImageId = "5b2a3f0e-3c1f-4a55-8f53-0d6f1a4b9c01";
    private readonly Dictionary<string, Process> _processes = [];
    private readonly ComputeOptions _options;
    private readonly DirectoryInfo _images = Directory.CreateTempSubdirectory("novashim-compute-images-");

    public HandDriven(ComputeOptions? options = null, params string[] hosts)
    {
        _options = options ?? new ComputeOptions();
        Store = new MemoryStore(Time);
        Outside = Store.Open();
        Hosts = hosts.Length > 0 ? hosts : ["one", "two"];
        Start(Actors.Scheduler);
        foreach (var host in Hosts)
        {
            Start(host);
        }
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public World World { get; } = new();

    public MemoryStore Store { get; }

    /// <summary>The store as somebody sees it who never dies.</summary>
    public MemoryStore.View Outside { get; }

    public IReadOnlyList<string> Hosts { get; }

    public ComputeApi Api => _processes[Actors.Scheduler].Of<ComputeApi>();

    public SnapshotApi Snapshots => _processes[Actors.Scheduler].Of<SnapshotApi>();

    /// <summary>The files of images that were made of servers.</summary>
    public IReadOnlyList<FileInfo> ImageFiles => _images.GetFiles();

    public OperatorApi Operator => _processes[Actors.Scheduler].Of<OperatorApi>();

    public bool IsAlive(string actor) => _processes.TryGetValue(actor, out var process) && !process.View.Dead && !process.View.Away;

    /// <summary>A process as it dies with the next write but so many.</summary>
    public MemoryStore.View ViewOf(string actor) => _processes[actor].View;

    public void Kill(string actor) => _processes[actor].View.Kill();

    public void Start(string actor)
    {
        if (!IsAlive(actor))
        {
            _processes[actor] = new Process(this, actor);
        }
    }

    /// <summary>From now on two processes do the scheduler's work.</summary>
    public void StartOtherScheduler() => _processes[OtherScheduler] = new Process(this, Actors.Scheduler);

    /// <summary>Every live host says that it is alive and what it has.</summary>
    public async Task BeatAsync()
    {
        foreach (var host in Hosts.Where(IsAlive))
        {
            var nodes = Outside.Collection<ComputeNodeDocument>();
            if (await nodes.GetAsync(host, default) is null)
            {
                var stats = await _processes[host].Manager!.GetHostStatsAsync(default);
                await nodes.InsertAsync(new ComputeNodeDocument { Key = host, Id = 1, Host = host, Driver = "test", Stats = stats }, default);
            }

            await _processes[host].Of<ResourceTracker>().DropOrphansAsync(host, default);
            await _processes[host].Of<ServiceGroup>().BeatAsync(host, ServiceGroup.ComputeBinary, "compute", default);
        }
    }

    /// <summary>Every live host looks at how its servers are.</summary>
    public async Task SyncAsync()
    {
        foreach (var host in Hosts.Where(IsAlive))
        {
            await _processes[host].Of<InstanceSync>().LookAsync(host, _processes[host].Manager!, default);
        }
    }

    /// <summary>A host does so at its intervals.</summary>
    public Task SyncLoopAsync(string host, CancellationToken stopping) => _processes[host].Of<InstanceSync>().RunAsync(host, _processes[host].Manager!, stopping);

    /// <summary>The scheduler looks after what silent hosts leave lying.</summary>
    public async Task TendAsync()
    {
        if (IsAlive(Actors.Scheduler))
        {
            await _processes[Actors.Scheduler].Of<OrphanSnapshots>().SweepAsync(default);
        }

        if (IsAlive(Actors.Scheduler) && await _processes[Actors.Scheduler].Silent.ListenAsync(default) is { } silence)
        {
            await _processes[Actors.Scheduler].Of<StalledMigrations>().TendAsync(silence, default);
            await _processes[Actors.Scheduler].Of<StalledServers>().TendAsync(silence, default);
        }
    }

    /// <summary>Removes the files that no image names.</summary>
    public async Task SweepImagesAsync()
    {
        Time.Advance(TimeSpan.FromMinutes(2));
        await _processes[Actors.Scheduler].Of<ImageStore>().SweepAsync(default);
    }

    /// <summary>Lets time pass, in heartbeats.</summary>
    public async Task PassAsync(TimeSpan time)
    {
        for (var end = Time.GetUtcNow() + time; Time.GetUtcNow() < end;)
        {
            Time.Advance(TimeSpan.FromSeconds(_options.HeartbeatSeconds));
            await BeatAsync();
            await SyncAsync();
            await TendAsync();
        }
    }

    /// <summary>An actor does everything that is due with it now. False: there was nothing.</summary>
    public async Task<bool> WorkAsync(string actor)
    {
        if (!IsAlive(actor))
        {
            return false;
        }

        var process = _processes[actor];
        var (migrations, instances) = (process.Of<MigrationRunner>(), process.Of<InstanceRunner>());
        try
        {
            var worked = await WorkAsync(process, WorkKinds.Migrations, work => migrations.RunAsync(work, process.HostName, process.Manager), migrations.StopWanted);
            return await WorkAsync(process, WorkKinds.Instances, work => instances.RunAsync(work, process.HostName, process.Manager), _ => false) || worked;
        }
        catch (ProcessDiedException)
        {
            return true;
        }
    }

    /// <summary>Everybody works until nobody has anything due.</summary>
    public Task SettleAsync() => SettleAsync(Hosts.Prepend(Actors.Scheduler));

    /// <summary>Some work until none of them has anything due.</summary>
    public async Task SettleAsync(IEnumerable<string> actors)
    {
        for (var worked = true; worked;)
        {
            worked = false;
            foreach (var actor in actors)
            {
                worked |= await WorkAsync(actor);
            }
        }
    }

    /// <summary>A server that runs on a host.</summary>
    public async Task<InstanceDocument> BootedAsync(string host = "one", string vmState = VmStates.Active)
    {
        await BeatAsync();
        await AddImageAsync();
        var uuid = Guid.NewGuid().ToString();
        World.Vms[(host, uuid)] = new World.Vm(vmState is not (VmStates.Stopped or VmStates.Suspended or VmStates.Shelved), Blocked: false, StoppedBy: null, MadeBy: null, TestCloud.Small.MemoryMb)
        {
            Standstill = vmState == VmStates.Paused ? PowerState.Paused : vmState == VmStates.Suspended ? PowerState.Suspended : null, RescueImage = vmState == VmStates.Rescued ? ImageId : null,
        };
        await _processes[host].Of<ResourceTracker>().ClaimAsync(host, uuid, null, TestCloud.Small, default);
        return await Outside.Collection<InstanceDocument>().InsertAsync(
            new InstanceDocument
            {
                Key = uuid, Uuid = uuid, Id = 1, DisplayName = "s", ProjectId = "p", UserId = "u", ImageRef = ImageId, Flavor = TestCloud.Small, Host = host, Node = host, VmState = vmState,
                LaunchedAt = Time.GetUtcNow().UtcDateTime,
            },
            default);
    }

    /// <summary>A server in a state, shelved ones as shelving leaves them.</summary>
    public async Task<InstanceDocument> InStateAsync(string vmState)
    {
        if (vmState != VmStates.ShelvedOffloaded)
        {
            return await BootedAsync(vmState: vmState);
        }

        var server = await BootedAsync();
        await Snapshots.ShelveAsync(server, TestCloud.NewContext(), default);
        await SettleAsync();
        return await ServerAsync(server.Uuid);
    }

    /// <summary>A server that was just accepted to be built.</summary>
    public async Task<InstanceDocument> AcceptedAsync()
    {
        await BeatAsync();
        await AddImageAsync();
        return (await Api.CreateAsync(new CreateServer { Name = "s", ImageRef = ImageId, Flavor = TestCloud.Small }, 1, TestCloud.NewContext(), default)).Single();
    }

    public async Task<InstanceDocument> ServerAsync(string uuid) => (await Outside.Collection<InstanceDocument>().GetAsync(uuid, default))!;

    /// <summary>The latest migration of a server.</summary>
    public async Task<MigrationDocument> MigrationAsync(string instanceUuid) =>
        (await Outside.Collection<MigrationDocument>().WhereAsync(m => m.InstanceUuid == instanceUuid, default)).OrderBy(m => m.Id).Last();

    /// <summary>Asks for an action as a user does, by its name.</summary>
    public Task BeginAsync(InstanceDocument server, string verb)
    {
        var (context, nothing) = (TestCloud.NewContext(), new Dictionary<string, string>());
        return verb switch
        {
            "rescue" => Api.RescueAsync(server, "s3cret", null, context, default),
            "rebuild" => Api.RebuildAsync(
                server, new RebuildServer { ImageRef = ImageId, Name = "again", Guest = new GuestRequest { AdminPassword = "s3cret", Files = [new GuestFile("/etc/motd", "AQI=")] } }, context, default),
            "changePassword" => Api.ChangePasswordAsync(server, "s3cret", context, default),
            "createImage" => Snapshots.CreateImageAsync(server, "image", nothing, context, default),
            "createBackup" => Snapshots.CreateBackupAsync(server, "backup", "daily", 1, nothing, context, default),
            "shelve" => Snapshots.ShelveAsync(server, context, default),
            _ => Api.ActAsync(server, ServerAction.All.Single(a => a.Verb == verb), context, default),
        };
    }

    /// <summary>Where a server stands now.</summary>
    public async Task<(string VmState, string? TaskState)> StateAsync(InstanceDocument server)
    {
        var now = await ServerAsync(server.Uuid);
        return (now.VmState, now.TaskState);
    }

    public void Dispose()
    {
        foreach (var process in _processes.Values)
        {
            process.Dispose();
        }

        _images.Delete(recursive: true);
    }

    private async Task AddImageAsync()
    {
        if (await Outside.Collection<ImageDocument>().GetAsync(ImageId, default) is null)
        {
            var file = typeof(World).Assembly.Location;
            await Outside.Collection<ImageDocument>().InsertAsync(
                new ImageDocument { Key = ImageId, Uuid = ImageId, Name = "i", DiskFormat = "vhd", Size = new FileInfo(file).Length, Location = file }, default);
        }
    }

    private async Task<bool> WorkAsync<T>(Process process, WorkKind<T> kind, Func<LeasedWork<T>, Task> run, Func<T, bool> stopWanted) where T : Document
    {
        var documents = process.View.Collection<T>();
        var now = Time.GetUtcNow().UtcDateTime;
        var worked = false;
        foreach (var document in Store.All<T>())
        {
            if (kind.Of(document) is not { } item || item.Actor != process.Actor || item.DueAt > now || item.IsLeased(now)
                || await LeasedWork<T>.TryTakeAsync(documents, kind, document, process.Identity.Id, TimeSpan.FromSeconds(_options.LeaseSeconds), Time, stopWanted, default) is not { } work)
            {
                continue;
            }

            worked = true;
            await using (work)
            {
                try
                {
                    await work.RunAsync(run);
                }
                catch (Exception e) when (e is LeaseLostException or OperationCanceledException)
                {
                    // As in the loop: somebody else has it, or it is no longer wanted.
                }
            }
        }

        return worked;
    }

    private sealed class Process : IDisposable
    {
        private readonly ServiceProvider _services;

        public Process(HandDriven plane, string actor)
        {
            Actor = actor;
            View = plane.Store.Open();
            _services = new ServiceCollection()
                .AddLogging()
                .AddNovaCompute(plane._options, Identity, new ImageStoreOptions { Path = plane._images.FullName })
                .AddSingleton<TimeProvider>(plane.Time)
                .AddSingleton<IDocumentStore>(View)
                .AddSingleton<IMessageBus, NoBus>()
                .BuildServiceProvider();
            Silent = Of<SilentHosts>();
            Host = new ComputeHost(actor, new ConfigurationBuilder().Build(), NullLoggerFactory.Instance, plane.Time);
            Manager = actor == Actors.Scheduler ? null : plane.World.Create(Host, View.CheckAlive);
        }

        public string Actor { get; }

        public string? HostName => Actor == Actors.Scheduler ? null : Actor;

        public MemoryStore.View View { get; }

        public ProcessIdentity Identity { get; } = ProcessIdentity.OneOfMany();

        public SilentHosts Silent { get; }

        public ComputeHost Host { get; }

        public ComputeManager? Manager { get; }

        public T Of<T>() where T : notnull => _services.GetRequiredService<T>();

        public void Dispose() => _services.Dispose();
    }

    private sealed class NoBus : IMessageBus
    {
        public Task CastAsync(string subject, Message message, CancellationToken cancellation) => Task.CompletedTask;

        public Task<Message> CallAsync(string subject, Message message, TimeSpan timeout, CancellationToken cancellation) => throw new TimeoutException("Nobody listens.");

        public Task<IAsyncDisposable> SubscribeAsync(string subject, string? queueGroup, MessageHandler handler, CancellationToken cancellation) => throw new NotSupportedException();
    }
}
