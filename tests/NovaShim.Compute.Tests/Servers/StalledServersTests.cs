using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;

namespace NovaShim.Compute.Tests.Servers;

/// <summary>Hosts that die before, in and after what they were asked to do with a server.</summary>
public sealed class StalledServersTests : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);
    private readonly HandDriven _plane = new();

    public void Dispose() => _plane.Dispose();

    [Fact]
    public async Task A_build_that_its_host_never_began_goes_to_another()
    {
        await _plane.BeatAsync();
        await _plane.PassAsync(Long);
        var server = await _plane.AcceptedAsync();
        await _plane.WorkAsync(Actors.Scheduler);
        var first = (await _plane.ServerAsync(server.Uuid)).Host!;
        _plane.Kill(first);
        await _plane.PassAsync(Long);
        await _plane.SettleAsync();

        var built = await _plane.ServerAsync(server.Uuid);
        Assert.Equal(VmStates.Active, built.VmState);
        Assert.NotEqual(first, built.Host);
        Assert.Single(_plane.World.Vms);
    }

    [Fact]
    public async Task A_build_that_its_host_began_waits_for_it()
    {
        await _plane.BeatAsync();
        await _plane.PassAsync(Long);
        var server = await _plane.AcceptedAsync();
        _plane.World.AfterEffect = (verb, host) => _plane.Kill(host);
        await _plane.SettleAsync();
        await _plane.PassAsync(Long);
        await _plane.SettleAsync();

        var stuck = await _plane.ServerAsync(server.Uuid);
        Assert.Equal(VmStates.Error, stuck.VmState);
        Assert.Contains($"run_instance waits for host {stuck.Host} to come back", stuck.Fault!.Message, StringComparison.Ordinal);
        Assert.Single(_plane.World.Calls);

        _plane.World.AfterEffect = (_, _) => { };
        _plane.Start(stuck.Host!);
        await _plane.PassAsync(Long);
        await _plane.SettleAsync();
        var built = await _plane.ServerAsync(server.Uuid);
        Assert.Equal((VmStates.Active, null, stuck.Host), (built.VmState, built.Fault, built.Host));
        Assert.Single(_plane.World.Vms);
    }

    [Fact]
    public async Task A_delete_on_a_silent_host_is_done_when_it_returns()
    {
        var server = await _plane.BootedAsync();
        await _plane.PassAsync(Long);
        _plane.Kill("one");
        await _plane.Api.DeleteAsync(server, TestCloud.NewContext(), default);
        await _plane.PassAsync(Long);
        var stuck = await _plane.ServerAsync(server.Uuid);
        Assert.Equal((VmStates.Error, TaskStates.Deleting), (stuck.VmState, stuck.TaskState));
        Assert.Contains("terminate_instance waits for host one to come back", stuck.Fault!.Message, StringComparison.Ordinal);

        _plane.Start("one");
        await _plane.PassAsync(Long);
        await _plane.SettleAsync();
        Assert.True((await _plane.ServerAsync(server.Uuid)).Deleted);
        Assert.Empty(_plane.World.Vms);
    }

    [Fact]
    public async Task A_delete_in_a_migration_needs_only_the_hosts_that_have_something_of_the_server()
    {
        var server = await _plane.BootedAsync();
        await _plane.PassAsync(Long);
        await _plane.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        await _plane.WorkAsync(Actors.Scheduler);
        await _plane.WorkAsync("one");
        _plane.Kill("two");
        await _plane.Api.DeleteAsync(await _plane.ServerAsync(server.Uuid), TestCloud.NewContext(), default);
        await _plane.SettleAsync();
        await _plane.PassAsync(Long);
        for (var round = 0; round < 3; round++)
        {
            await _plane.SettleAsync();
            await _plane.PassAsync(TimeSpan.FromSeconds(5));
        }

        Assert.True((await _plane.ServerAsync(server.Uuid)).Deleted);
        Assert.Empty(_plane.World.Vms);
        Assert.Empty(_plane.World.Preparations);
    }
}
