using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace NovaShim.System.Tests;

/// <summary>What a user gives over the API for the guest is found in it, and its password can be changed, where the guest has OpenStack's agent.</summary>
public sealed class GuestAgentTests
{
    [Fact]
    public async Task What_the_user_gives_is_in_the_guest_and_its_password_is_the_one_that_was_set_last()
    {
        await using var hosts = await TwoXenServers.StartAsync();
        await using var shim = await hosts.StartShimAsync("hosts:0:settings:use_agent=true", "hosts:1:settings:use_agent=true");
        using var nova = new NovaClient { Url = shim.Ready["api_url"]!.ToString() };
        await Eventually.Async(async () => (await nova.SendAsync(HttpMethod.Get, "/v2.1/os-hypervisors"))["hypervisors"]!.AsArray().Count == 2, () => shim.Output);
        var key = (await nova.SendAsync(HttpMethod.Post, "/v2.1/os-keypairs", """{"keypair": {"name": "k"}}"""))["keypair"]!["public_key"]!.ToString();
        var created = (await nova.SendAsync(HttpMethod.Post, "/v2.1/servers", new JsonObject
        {
            ["server"] = new JsonObject
            {
                ["name"] = "s", ["imageRef"] = TwoXenServers.Image, ["flavorRef"] = "1", ["key_name"] = "k",
                ["personality"] = new JsonArray(new JsonObject { ["path"] = "/etc/motd", ["contents"] = Convert.ToBase64String("welcome"u8) }),
            },
        }.ToJsonString()))["server"]!;
        var server = created["id"]!.ToString();
        var built = await nova.UntilAsync(server, "ACTIVE");
        var source = built["OS-EXT-SRV-ATTR:host"]!.ToString();

        // By its tools.
        Assert.StartsWith("10.", Assert.Single(built["addresses"]!["private"]!.AsArray())!["addr"]!.ToString(), StringComparison.Ordinal);
        await HoldsAsync(source, created["adminPass"]!.ToString());

        await ChangeAsync("of-the-user's-own-$choice");
        await HoldsAsync(source, "of-the-user's-own-$choice");

        await nova.ActAsync(server, """{"resize": {"flavorRef": "2"}}""");
        var destination = (await nova.UntilAsync(server, "VERIFY_RESIZE"))["OS-EXT-SRV-ATTR:host"]!.ToString();
        Assert.NotEqual(source, destination);
        await nova.ActAsync(server, """{"confirmResize": null}""");
        Assert.Equal(built["addresses"]!.ToJsonString(), (await nova.UntilAsync(server, "ACTIVE"))["addresses"]!.ToJsonString());
        await HoldsAsync(destination, "of-the-user's-own-$choice");
        await ChangeAsync("set-where-it-is-now");
        await HoldsAsync(destination, "set-where-it-is-now");

        // Without its guest, nobody could be told.
        await nova.ActAsync(server, """{"os-stop": null}""");
        await nova.UntilAsync(server, "SHUTOFF");
        Assert.Equal(409, await nova.TryAsync(HttpMethod.Post, $"/v2.1/servers/{server}/action", """{"changePassword": {"adminPass": "never"}}"""));
        await HoldsAsync(destination, "set-where-it-is-now");
        await nova.ActAsync(server, """{"os-start": null}""");
        await nova.UntilAsync(server, "ACTIVE");
        await hosts.CheckAsync(server, destination, "--shut-down", "--journal");

        async Task ChangeAsync(string password)
        {
            await nova.ActAsync(server, new JsonObject { ["changePassword"] = new JsonObject { ["adminPass"] = password } }.ToJsonString());
            await Eventually.Async(async () => (await nova.ShowAsync(server))["OS-EXT-STS:task_state"] is null, () => shim.Output);
            Assert.Equal("ACTIVE", (await nova.ShowAsync(server))["status"]!.ToString());
        }

        async Task HoldsAsync(string host, string password)
        {
            var files = await FilesAsync((await hosts.DiskAsync(host, server, "0")).File);
            Assert.Contains(key.Trim(), Encoding.UTF8.GetString(files["/root/.ssh/authorized_keys"]), StringComparison.Ordinal);
            Assert.Equal("welcome"u8.ToArray(), files["/etc/motd"]);
            Assert.True(IsHashed(password, Encoding.UTF8.GetString(files["/etc/shadow"])));
        }
    }

    private static async Task<Dictionary<string, byte[]>> FilesAsync(string leaf)
    {
        await using var read = await BuiltProgram.RunAsync(BuiltProgram.Simulator, "files", "--vhd", leaf);
        Assert.True(read.ExitCode == 0, read.Output);
        return JsonNode.Parse(read.Output)!.AsArray().ToDictionary(f => f!["path"]!.ToString(), f => Convert.FromBase64String(f!["content"]!.ToString()));
    }

    // root:$pbkdf2-sha512$ROUNDS$SALT$HASH:…
    private static bool IsHashed(string password, string shadow)
    {
        var parts = shadow.Split(':')[1].Split('$');
        var rounds = int.Parse(parts[2], CultureInfo.InvariantCulture);
        return Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), Convert.FromBase64String(parts[3]), rounds, HashAlgorithmName.SHA512, 64).SequenceEqual(Convert.FromBase64String(parts[4]));
    }
}
