using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Documents.Embedded;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Images;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Messaging.InProcess;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Plugins;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Tests;

/// <summary>A control plane with two hosts, over the embedded store and bus, as the program has it; it can be killed and started again on the same store.</summary>
internal sealed class TestCloud : IAsyncDisposable
{
    public static readonly Flavor Small = new() { Id = 1, FlavorId = "1", Name = "small", MemoryMb = 512, Vcpus = 1, RootGb = 1 };
    public static readonly Flavor Big = new() { Id = 2, FlavorId = "2", Name = "big", MemoryMb = 1024, Vcpus = 2, RootGb = 2 };

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("novashim-compute-");
    private readonly ComputeOptions _options;
    private IHost _host = null!;

    private readonly (IDocumentStore Store, IMessageBus Bus)? _shared;

    private TestCloud(World world, ComputeOptions options, (IDocumentStore Store, IMessageBus Bus)? shared) => (World, _options, _shared) = (world, options, shared);

    public World World { get; }

    public IDocumentStore Store => _host.Services.GetRequiredService<IDocumentStore>();

    public ComputeApi Api => _host.Services.GetRequiredService<ComputeApi>();

    public IMessageBus Bus => _host.Services.GetRequiredService<IMessageBus>();

    /// <summary>Starts a cloud; over a shared store and bus it is one of several processes.</summary>
    public static async Task<TestCloud> StartAsync(World world, ComputeOptions? options = null, (IDocumentStore Store, IMessageBus Bus)? shared = null)
    {
        var cloud = new TestCloud(world, options ?? new ComputeOptions { PollSeconds = 0.1, RetrySeconds = 0.02, RetrySecondsMax = 0.1, MaxAttempts = 3, LeaseSeconds = 5 }, shared);
        await cloud.StartAsync();
        return cloud;
    }

    public static RequestContext NewContext() => new() { RequestId = "req-" + Guid.NewGuid(), UserId = "u", ProjectId = "p", Timestamp = DateTime.UtcNow };

    /// <summary>Stops as on SIGTERM.</summary>
    public Task StopAsync() => _host.StopAsync();

    /// <summary>Stops and starts again on the same store.</summary>
    public async Task RestartAsync()
    {
        await _host.StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
        await StartAsync();
    }

    public async Task<InstanceDocument> BootAsync(Func<CreateServer, CreateServer>? change = null)
    {
        var server = new CreateServer { Name = "s", ImageRef = ImageId, Flavor = Small };
        var created = (await Api.CreateAsync(change?.Invoke(server) ?? server, 1, NewContext(), default)).Single();
        return await UntilAsync(created.Uuid, i => i.VmState == VmStates.Active && i.TaskState is null);
    }

    public Task<InstanceDocument> UntilAsync(string uuid, Func<InstanceDocument, bool> condition) =>
        PollAsync(() => Store.Collection<InstanceDocument>().GetAsync(uuid, default)!, condition);

    public Task<MigrationDocument> MigrationUntilAsync(string instanceUuid, Func<MigrationDocument, bool> condition) =>
        PollAsync(
            async () => (await Store.Collection<MigrationDocument>().WhereAsync(m => m.InstanceUuid == instanceUuid, default)).OrderBy(m => m.Id).Last(),
            condition);

    public static async Task<T> PollAsync<T>(Func<Task<T>> read, Func<T, bool> condition)
    {
        var until = DateTime.UtcNow + Deadline;
        while (true)
        {
            var found = await read();
            if (condition(found))
            {
                return found;
            }

            Assert.True(DateTime.UtcNow < until, $"still {found}");
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private const string ImageId = "5b2a3f0e-3c1f-4a55-8f53-0d6f1a4b9c01";

    private async Task StartAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        var settings = new ConfigurationBuilder().Build();
        builder.Services
            .AddLogging(l => l.SetMinimumLevel(LogLevel.Trace))
            .AddNovaCompute(_options, _shared is null ? ProcessIdentity.OnlyOne : ProcessIdentity.OneOfMany())
            .AddSingleton<IComputeManagers>(World)
            .AddNovaScheduler()
            .AddNovaHosts([new ComputeHostOptions("one", "test", settings.GetSection("x")), new ComputeHostOptions("two", "test", settings.GetSection("x"))]);
        if (_shared is { } shared)
        {
            builder.Services.AddSingleton(shared.Store).AddSingleton(shared.Bus);
        }
        else
        {
            builder.Services.AddEmbeddedDocumentStore(Path.Combine(_folder.FullName, "store.db")).AddInProcessMessageBus();
        }

        _host = builder.Build();
        await Store.InitializeAsync(default);
        var image = Path.Combine(_folder.FullName, "image.vhd");
        await File.WriteAllBytesAsync(image, [1, 2, 3]);
        if (await Store.Collection<ImageDocument>().GetAsync(ImageId, default) is null)
        {
            await Store.Collection<ImageDocument>().InsertAsync(new ImageDocument { Key = ImageId, Uuid = ImageId, Name = "i", DiskFormat = "vhd", Size = 3, Location = image }, default);
        }

        await _host.StartAsync();
        var services = _host.Services.GetRequiredService<ServiceGroup>();
        await PollAsync(() => services.UsableComputeHostsAsync(default), up => up.Count == 2);
    }
}
