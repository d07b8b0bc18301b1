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
}
