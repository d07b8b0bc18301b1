using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Compute.Tests.Servers;

/// <summary>Servers that are kept as images.</summary>
public sealed class ShelvedServerTests
{
    [Fact]
    public async Task A_shelved_server_that_is_deleted_takes_its_image_with_it()
    {
        using var plane = new HandDriven();
        var server = await plane.InStateAsync(VmStates.ShelvedOffloaded);
        Assert.Single(plane.ImageFiles);

        await plane.Api.DeleteAsync(server, TestCloud.NewContext(), default);
        await plane.SettleAsync();

        Assert.True((await plane.ServerAsync(server.Uuid)).Deleted);
        Assert.Empty(plane.ImageFiles);
    }

    [Fact]
    public async Task An_administrator_takes_a_shelved_server_off_its_host_where_that_does_not_happen_by_itself()
    {
        using var plane = new HandDriven(new ComputeOptions { OffloadShelved = false });
        var server = await plane.BootedAsync();
        await plane.BeginAsync(server, "shelve");
        await plane.SettleAsync();
        server = await plane.ServerAsync(server.Uuid);
        Assert.Equal((VmStates.Shelved, "one", PowerState.Shutdown), (server.VmState, server.Host, server.PowerState));

        await plane.BeginAsync(server, "unshelve");
        await plane.SettleAsync();
        server = await plane.ServerAsync(server.Uuid);
        Assert.Equal((VmStates.Active, "one", PowerState.Running, null), (server.VmState, server.Host, server.PowerState, server.ShelvedImageId));
        Assert.Empty(plane.ImageFiles);

        await plane.BeginAsync(server, "shelve");
        await plane.SettleAsync();
        await plane.BeginAsync(await plane.ServerAsync(server.Uuid), "shelveOffload");
        await plane.SettleAsync();
        server = await plane.ServerAsync(server.Uuid);
        Assert.Equal((VmStates.ShelvedOffloaded, null), (server.VmState, server.Host));
        Assert.Empty(plane.World.Vms);
    }

    [Fact]
    public async Task A_server_without_its_image_is_not_taken_off_its_host()
    {
        using var plane = new HandDriven(new ComputeOptions { OffloadShelved = false });
        var server = await plane.BootedAsync();
        await plane.BeginAsync(server, "shelve");
        await plane.SettleAsync();
        plane.ImageFiles.Single().Delete();

        await plane.BeginAsync(await plane.ServerAsync(server.Uuid), "shelveOffload");
        await plane.SettleAsync();

        Assert.Equal((VmStates.Shelved, null), await plane.StateAsync(server));
        Assert.Single(plane.World.Vms);
    }

    [Fact]
    public async Task A_shelved_server_that_a_host_refuses_goes_to_another()
    {
        using var plane = new HandDriven();
        var server = await plane.InStateAsync(VmStates.ShelvedOffloaded);
        plane.World.Fail("spawn", 1, () => new StepFailedException("no room", StepRecovery.Reschedule));

        await plane.BeginAsync(server, "unshelve");
        await plane.SettleAsync();

        Assert.Equal((VmStates.Active, null), await plane.StateAsync(server));
        Assert.Equal(2, plane.World.Calls.Where(c => c.StartsWith("spawn@", StringComparison.Ordinal)).Distinct().Count());
        Assert.Single(plane.World.Vms);
    }
}
