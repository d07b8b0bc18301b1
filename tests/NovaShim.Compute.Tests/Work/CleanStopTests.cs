using Microsoft.Extensions.Logging.Abstractions;
using NovaShim.Compute.Messaging.InProcess;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;

namespace NovaShim.Compute.Tests.Work;

/// <summary>Two processes that drive the same hosts over one store: what one was doing when it is told to stop, the other goes on with at once.</summary>
public sealed class CleanStopTests : IAsyncLifetime
{
    // A lease that is not given back outlasts any patience.
    private static readonly ComputeOptions Options = new() { PollSeconds = 0.1, LeaseSeconds = 3600 };
    private readonly World _world = new();
    private readonly InProcessMessageBus _bus = new(TimeProvider.System, NullLogger<InProcessMessageBus>.Instance);
    private readonly MemoryStore _store = new(TimeProvider.System);
    private readonly List<TestCloud> _processes = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("prepare_source")]
    [InlineData("prepare_destination")]
    [InlineData("migrate_disk")]
    [InlineData("finish")]
    public async Task A_migration_goes_on_in_another_process(string verb)
    {
        var first = await StartAsync();
        var server = await first.BootAsync();
        var held = _world.Gates[verb] = new TaskCompletionSource();
        await first.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        var second = await TakeOverAsync(first, verb);

        var arrived = await second.UntilAsync(server.Uuid, i => i is { VmState: VmStates.Resized, TaskState: null });
        Assert.Equal("two", arrived.Host);
        Assert.False(held.Task.IsCompleted);
        Assert.Empty(_world.Violations);
        await second.MigrationUntilAsync(server.Uuid, m => m.Saga is { Actor: null, Step: ResizeMigration.AwaitVerification });
    }

    [Fact]
    public async Task A_build_goes_on_in_another_process()
    {
        var first = await StartAsync();
        await first.BootAsync();
        _world.Gates["spawn"] = new TaskCompletionSource();
        var image = (await first.Store.Collection<InstanceDocument>().ListAsync(first.Store.Collection<InstanceDocument>().Query(), default)).Single().ImageRef;
        var server = (await first.Api.CreateAsync(new CreateServer { Name = "s", ImageRef = image, Flavor = TestCloud.Small }, 1, TestCloud.NewContext(), default)).Single();
        var second = await TakeOverAsync(first, "spawn");
        await second.UntilAsync(server.Uuid, i => i is { VmState: VmStates.Active, TaskState: null, Work: null });
    }

    [Fact]
    public async Task A_delete_goes_on_in_another_process()
    {
        var first = await StartAsync();
        var server = await first.BootAsync();
        _world.Gates["destroy"] = new TaskCompletionSource();
        await first.Api.DeleteAsync(server, TestCloud.NewContext(), default);
        var second = await TakeOverAsync(first, "destroy");
        await second.UntilAsync(server.Uuid, i => i.Deleted);
        Assert.Empty(_world.Vms);
    }

    private async Task<TestCloud> TakeOverAsync(TestCloud first, string verb)
    {
        await TestCloud.PollAsync(() => Task.FromResult(_world.Waiting.GetValueOrDefault(verb)), waiting => waiting > 0);
        var second = await StartAsync();
        _world.Gates.Clear();
        await first.StopAsync();
        return second;
    }

    private async Task<TestCloud> StartAsync()
    {
        var process = await TestCloud.StartAsync(_world, Options, (_store.Open(), _bus));
        _processes.Add(process);
        return process;
    }
}
