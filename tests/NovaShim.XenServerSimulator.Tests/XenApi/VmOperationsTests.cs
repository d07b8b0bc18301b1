using NovaShim.XenServerSimulator.XenApi;
using NovaShim.XenServerSimulator.XenApi.Machines;
using NovaShim.XenServerSimulator.XenApi.Model;
using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.Tests.XenApi;

/// <summary>Which operations share a VM, which wait, which fail.</summary>
public sealed class VmOperationsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("operations-");
    private readonly Database _database;
    private readonly VmOperations _operations;

    public VmOperationsTests()
    {
        _database = new Database(DataModel.Load(ApiVersion.OfProduct("8.2.1")), Path.Combine(_folder.FullName, "db"));
        _operations = new VmOperations(_database, TimeProvider.System) { ConflictWait = TimeSpan.Zero };
    }

    public void Dispose()
    {
        _database.Dispose();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("Halted", "copy", "clone", true)]
    [InlineData("Halted", "copy", "export", true)]
    [InlineData("Halted", "copy", "destroy", false)]
    [InlineData("Halted", "copy", "start", false)]
    [InlineData("Halted", "start", "start", false)]
    [InlineData("Running", "snapshot", "checkpoint", true)]
    [InlineData("Running", "snapshot", "clean_shutdown", false)]
    [InlineData("Running", "clean_shutdown", "hard_shutdown", true)]
    [InlineData("Running", "snapshot", "hard_shutdown", true)]
    [InlineData("Running", "hard_shutdown", "hard_shutdown", false)]
    [InlineData("Running", "snapshot", "hard_reboot", true)]
    [InlineData("Running", "clean_shutdown", "hard_reboot", false)]
    [InlineData("Running", "migrate_send", "clean_shutdown", true)]
    [InlineData("Running", "migrate_send", "suspend", false)]
    public async Task Two_operations_on_one_VM(string state, string first, string second, bool together)
    {
        string vm = NewVm(state);
        using IDisposable running = await _operations.BeginAsync(vm, first, CancellationToken.None);
        if (together)
        {
            using IDisposable joined = await _operations.BeginAsync(vm, second, CancellationToken.None);
            Assert.Equal(2, _database.Get("VM", vm).Map("current_operations").Count);
            return;
        }

        ApiFailure failure = await Assert.ThrowsAsync<ApiFailure>(() => _operations.BeginAsync(vm, second, CancellationToken.None));
        string key = _database.Get("VM", vm).Map("current_operations").Keys.Single();
        Assert.Equal(["OTHER_OPERATION_IN_PROGRESS", "VM", vm, first, key], failure.Description);
    }

    [Fact]
    public async Task A_call_waits_for_the_one_it_conflicts_with()
    {
        string vm = NewVm("Halted");
        _operations.ConflictWait = TimeSpan.FromSeconds(60);
        IDisposable first = await _operations.BeginAsync(vm, "copy", CancellationToken.None);
        Task<IDisposable> second = _operations.BeginAsync(vm, "destroy", CancellationToken.None);
        Assert.False(second.IsCompleted);
        first.Dispose();
        (await second).Dispose();
        Assert.Empty(_database.Get("VM", vm).Map("current_operations"));
    }

    [Fact]
    public async Task What_was_wrong_when_the_wait_ends_is_what_is_said()
    {
        string vm = NewVm("Halted");
        _operations.ConflictWait = TimeSpan.FromSeconds(60);
        IDisposable first = await _operations.BeginAsync(vm, "start", CancellationToken.None);
        Task<IDisposable> second = _operations.BeginAsync(vm, "start", CancellationToken.None);
        _database.Change(tx => tx.Set(vm, "power_state", "Running"));
        first.Dispose();
        ApiFailure failure = await Assert.ThrowsAsync<ApiFailure>(() => second);
        Assert.Equal(["VM_BAD_POWER_STATE", vm, "halted", "running"], failure.Description);
    }

    [Fact]
    public async Task A_wait_is_cancelled()
    {
        string vm = NewVm("Halted");
        _operations.ConflictWait = TimeSpan.FromSeconds(60);
        using CancellationTokenSource cancellation = new();
        using IDisposable first = await _operations.BeginAsync(vm, "copy", cancellation.Token);
        Task<IDisposable> second = _operations.BeginAsync(vm, "destroy", cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
    }

    private string NewVm(string state) => _database.Change(tx => tx.Create("VM", [new("power_state", state)]));
}
