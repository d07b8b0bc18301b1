using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Compute.Tests.Servers;

public sealed class GuestRequestTests
{
    [Fact]
    public async Task A_driver_is_given_what_the_user_gave_and_the_store_forgets_the_secrets()
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        var server = await cloud.BootAsync(s => s with
        {
            KeyName = "mine", KeyData = "ssh-ed25519 AAAA me", UserData = "aGk=", ConfigDrive = true, WithoutNetwork = true,
            Guest = new GuestRequest { AdminPassword = "secret", Files = [new GuestFile("/etc/motd", "aGk=")] },
        });
        Assert.Null(server.Work);
        Assert.DoesNotContain("secret", new GuestRequest { AdminPassword = "secret" }.ToString(), StringComparison.Ordinal);
        var given = cloud.World.Spawned[server.Uuid];
        Assert.Equal(("mine", "ssh-ed25519 AAAA me", "aGk=", true, true), (given.Instance.KeyName, given.Instance.KeyData, given.Instance.UserData, given.Instance.ConfigDrive, given.Instance.WithoutNetwork));
        Assert.Equal("secret", given.AdminPassword);
        Assert.Equal(("/etc/motd", "hi"), (given.InjectedFiles.Single().Path, System.Text.Encoding.UTF8.GetString(given.InjectedFiles.Single().Contents.Span)));
    }

    [Fact]
    public async Task A_server_shows_the_config_drive_that_a_host_makes_unasked_once_it_has_it()
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        var server = await cloud.BootAsync();
        Assert.False(server.ConfigDrive);
        cloud.World.ForcesConfigDrive = true;

        await cloud.Api.RebuildAsync(server, new RebuildServer { ImageRef = server.ImageRef, Guest = new GuestRequest() }, TestCloud.NewContext(), default);

        Assert.True((await cloud.UntilAsync(server.Uuid, i => i.Work is null)).ConfigDrive);
        Assert.True((await cloud.BootAsync()).ConfigDrive);
    }

    [Fact]
    public async Task The_servers_of_one_request_are_numbered()
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        var one = await cloud.BootAsync();

        var many = await cloud.Api.CreateAsync(
            new CreateServer { Name = "many", ImageRef = one.ImageRef, Flavor = TestCloud.Small, Guest = new GuestRequest() }, 3, TestCloud.NewContext(), default);

        foreach (var (index, server) in many.Index())
        {
            await cloud.UntilAsync(server.Uuid, i => i.Work is null);
            Assert.Equal(index, cloud.World.Spawned[server.Uuid].Instance.LaunchIndex);
        }
    }
}
