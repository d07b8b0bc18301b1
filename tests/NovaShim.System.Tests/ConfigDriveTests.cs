using System.Text.Json.Nodes;
using NovaShim.XenServer.Tests.ConfigDrive;

namespace NovaShim.System.Tests;

/// <summary>What a user gives over the API for the guest is on the server's disk, where cloud-init looks for it, through the server's life on XenServer.</summary>
public sealed class ConfigDriveTests
{
    [Fact]
    public async Task What_the_user_gives_is_on_the_drive_and_stays_with_the_server()
    {
        await using var hosts = await TwoXenServers.StartAsync();
        await using var shim = await hosts.StartShimAsync();
        using var nova = new NovaClient { Url = shim.Ready["api_url"]!.ToString() };
        await Eventually.Async(async () => (await nova.SendAsync(HttpMethod.Get, "/v2.1/os-hypervisors"))["hypervisors"]!.AsArray().Count == 2, () => shim.Output);
        var key = (await nova.SendAsync(HttpMethod.Post, "/v2.1/os-keypairs", """{"keypair": {"name": "k"}}"""))["keypair"]!["public_key"]!.ToString();
        var created = (await nova.SendAsync(HttpMethod.Post, "/v2.1/servers", Body("server", new JsonObject
        {
            ["name"] = "My Server", ["imageRef"] = TwoXenServers.Image, ["flavorRef"] = "1", ["key_name"] = "k", ["config_drive"] = true, ["adminPass"] = "first-password", ["metadata"] = new JsonObject { ["role"] = "web" },
            ["user_data"] = Convert.ToBase64String("#!/bin/sh\n"u8), ["personality"] = new JsonArray(Personality("/etc/motd", "first"u8)),
        })))["server"]!;
        var server = created["id"]!.ToString();
        var source = (await nova.UntilAsync(server, "ACTIVE"))["OS-EXT-SRV-ATTR:host"]!.ToString();
        Assert.Equal("True", (await nova.ShowAsync(server))["config_drive"]!.ToString());

        var files = await DriveAsync(hosts, source, server);
        var meta = DiskReader.Json(files["openstack/latest/meta_data.json"]);
        Assert.Equal((server, "my-server", "first-password"), (meta["uuid"]!.ToString(), meta["hostname"]!.ToString(), meta["admin_pass"]!.ToString()));
        Assert.Equal(key.Trim(), meta["public_keys"]!["k"]!.ToString().Trim());
        Assert.Equal("web", meta["meta"]!["role"]!.ToString());
        Assert.Equal("/etc/motd", meta["files"]![0]!["path"]!.ToString());
        Assert.Equal("first"u8.ToArray(), files["openstack/content/0000"]);
        Assert.Equal("#!/bin/sh\n"u8.ToArray(), files["openstack/latest/user_data"]);

        await nova.ActAsync(server, """{"resize": {"flavorRef": "2"}}""");
        var destination = (await nova.UntilAsync(server, "VERIFY_RESIZE"))["OS-EXT-SRV-ATTR:host"]!.ToString();
        Assert.NotEqual(source, destination);
        await nova.ActAsync(server, """{"confirmResize": null}""");
        await nova.UntilAsync(server, "ACTIVE");
        var moved = await DriveAsync(hosts, destination, server);
        Assert.Equal(files.Keys.Order(), moved.Keys.Order());
        Assert.All(files, f => Assert.Equal(f.Value, moved[f.Key]));

        await nova.ActAsync(server, Body("rebuild", new JsonObject
        {
            ["imageRef"] = TwoXenServers.Image, ["adminPass"] = "second-password", ["personality"] = new JsonArray(Personality("/etc/issue", "second"u8)),
        }));
        await nova.UntilAsync(server, "ACTIVE");
        var rebuilt = await DriveAsync(hosts, destination, server);
        Assert.Equal("second-password", DiskReader.Json(rebuilt["openstack/latest/meta_data.json"])["admin_pass"]!.ToString());
        Assert.Equal("second"u8.ToArray(), rebuilt["openstack/content/0000"]);
        await hosts.CheckAsync(server, destination, "--shut-down", "--journal");
    }

    [Fact]
    public async Task A_server_on_a_host_that_makes_one_for_all_shows_it()
    {
        await using var hosts = await TwoXenServers.StartAsync();
        await using var shim = await hosts.StartShimAsync("hosts:0:settings:force_config_drive=true", "hosts:1:settings:force_config_drive=true");
        using var nova = new NovaClient { Url = shim.Ready["api_url"]!.ToString() };
        await Eventually.Async(async () => (await nova.SendAsync(HttpMethod.Get, "/v2.1/os-hypervisors"))["hypervisors"]!.AsArray().Count == 2, () => shim.Output);

        var server = await nova.BootAsync(TwoXenServers.Image, "1");

        var shown = await nova.ShowAsync(server);
        Assert.Equal("True", shown["config_drive"]!.ToString());
        var files = await DriveAsync(hosts, shown["OS-EXT-SRV-ATTR:host"]!.ToString(), server);
        Assert.Equal(server, DiskReader.Json(files["openstack/latest/meta_data.json"])["uuid"]!.ToString());
    }

    private static string Body(string name, JsonObject content) => new JsonObject { [name] = content }.ToJsonString();

    private static JsonObject Personality(string path, ReadOnlySpan<byte> contents) => new() { ["path"] = path, ["contents"] = Convert.ToBase64String(contents) };

    // What the third disk of the server's VM on a host holds.
    private static async Task<Dictionary<string, byte[]>> DriveAsync(TwoXenServers hosts, string host, string server)
    {
        var (file, mode) = await hosts.DiskAsync(host, server, "3");
        Assert.Equal("RO", mode);
        return await DiskReader.FilesOfVhdAsync(file);
    }
}
