using NovaShim.Compute.Images;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;

namespace NovaShim.Compute.Tests.Servers;

/// <summary>An image of a server that nobody needs any more while it is made.</summary>
public sealed class ServerImageTests
{
    [Fact]
    public async Task A_server_that_is_deleted_while_its_image_is_made_leaves_none()
    {
        using var plane = new HandDriven();
        var server = await plane.InStateAsync(VmStates.Active);
        await plane.BeginAsync(server, "createImage");
        plane.World.BeforeEffect = (verb, host) =>
        {
            if (verb == "snapshot")
            {
                plane.Api.DeleteAsync(server, TestCloud.NewContext(), default).GetAwaiter().GetResult();
                plane.Kill(host);
            }
        };

        await plane.SettleAsync();
        plane.Start("one");
        await plane.PassAsync(TimeSpan.FromMinutes(1));
        await plane.SettleAsync();

        Assert.True((await plane.ServerAsync(server.Uuid)).Deleted);
        Assert.Empty(plane.World.Vms);
        Assert.Equal(HandDriven.ImageId, Assert.Single(plane.Store.All<ImageDocument>()).Uuid);
    }

    [Fact]
    public async Task An_image_that_no_server_was_told_of_is_swept_away()
    {
        using var plane = new HandDriven();
        var server = await plane.InStateAsync(VmStates.Active);
        plane.ViewOf(Actors.Scheduler).DiesAfterWrites = 1;
        await Assert.ThrowsAsync<ProcessDiedException>(() => plane.BeginAsync(server, "createImage"));
        Assert.Equal(2, plane.Store.All<ImageDocument>().Count);
        plane.Start(Actors.Scheduler);

        await plane.PassAsync(TimeSpan.FromMinutes(1));

        Assert.Equal(HandDriven.ImageId, Assert.Single(plane.Store.All<ImageDocument>()).Uuid);
        Assert.Equal((VmStates.Active, null), await plane.StateAsync(server));
    }

    [Fact]
    public async Task An_image_that_was_deleted_while_it_was_made_ends_the_work()
    {
        using var plane = new HandDriven();
        var server = await plane.InStateAsync(VmStates.Active);
        var image = await plane.Snapshots.CreateImageAsync(server, "i", new Dictionary<string, string>(), TestCloud.NewContext(), default);
        await plane.Outside.Collection<ImageDocument>().DeleteAsync((await plane.Outside.Collection<ImageDocument>().GetAsync(image.Uuid, default))!, default);

        await plane.SettleAsync();

        Assert.Equal((VmStates.Active, null), await plane.StateAsync(server));
        Assert.Contains("was deleted before", (await plane.ServerAsync(server.Uuid)).Fault!.Message, StringComparison.Ordinal);
        Assert.Empty(plane.ImageFiles);
    }
}
