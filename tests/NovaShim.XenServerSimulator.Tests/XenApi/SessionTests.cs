using System.Text.Json;

namespace NovaShim.XenServerSimulator.Tests.XenApi;

[Collection(OneHost.Name)]
public sealed class SessionTests(RunningHost host)
{
    [Fact]
    public async Task A_wrong_password_names_the_user()
    {
        using XenClient client = new(host.Process.Url);
        XenFailureException failure = await Assert.ThrowsAsync<XenFailureException>(() => client.LoginAsync("root", "wrong"));
        Assert.Equal(["SESSION_AUTHENTICATION_FAILED", "root"], failure.Description.Take(2));
        failure = await Assert.ThrowsAsync<XenFailureException>(() => client.LoginAsync("nobody", host.Process.Password));
        Assert.Equal("SESSION_AUTHENTICATION_FAILED", failure.Code);
    }

    [Fact]
    public async Task After_logout_the_session_is_invalid()
    {
        using XenClient client = await host.Process.LoginAsync();
        Assert.Equal(await client.OnlyAsync("host"), await client.RefAsync("session.get_this_host", client.Session));
        await client.CallAsync("session.logout");
        XenFailureException failure = await client.FailsAsync("SESSION_INVALID", "pool.get_all");
        Assert.Equal(client.Session, failure.Description[1]);
        await client.FailsAsync("SESSION_INVALID", "Async.SR.scan", "OpaqueRef:x");
    }

    [Fact]
    public async Task Login_takes_two_to_four_parameters()
    {
        using XenClient client = new(host.Process.Url);
        await client.SendAsync("session.login_with_password", "root", host.Process.Password);
        await client.SendAsync("session.login_with_password", "root", host.Process.Password, "1.0", "tests");
        XenFailureException failure = await Assert.ThrowsAsync<XenFailureException>(() => client.SendAsync("session.login_with_password", "root"));
        Assert.Equal(["MESSAGE_PARAMETER_COUNT_MISMATCH", "session.login_with_password", "2", "1"], failure.Description);
    }

    [Fact]
    public async Task The_password_is_for_the_owner_of_the_root_only()
    {
        foreach (string file in new[] { "password", "ready.json", "host.json" })
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(host.Process.Root, file)));
        }

        JsonElement ready = host.Process.Ready;
        Assert.Equal(
            ["console_log_path", "name", "password", "pid", "sr_path", "sr_uuid", "ssh_host", "ssh_host_key", "ssh_port", "ssh_private_key_file", "ssh_user", "url", "username"],
            ready.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        using XenClient client = await host.Process.LoginAsync();
        string sr = await client.RefAsync("SR.get_by_uuid", ready.GetProperty("sr_uuid").GetString());
        Assert.Equal("local-storage", (await client.CallAsync("SR.get_other_config", sr)).GetProperty("i18n-key").GetString());
        Assert.Equal("ext", await client.RefAsync("SR.get_type", sr));
        JsonElement pbds = await client.CallAsync("SR.get_PBDs", sr);
        JsonElement config = await client.CallAsync("PBD.get_device_config", pbds[0].GetString());
        Assert.Equal(host.Process.SrPath, config.GetProperty("path").GetString());
        Assert.True(Directory.Exists(host.Process.SrPath));
    }
}
