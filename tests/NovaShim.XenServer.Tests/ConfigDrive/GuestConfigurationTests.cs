using System.Text;
using System.Text.Json.Nodes;
using NovaShim.Sdk;
using NovaShim.XenServer.ConfigDrive;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests.ConfigDrive;

/// <summary>What is on a config drive: Nova's documents.</summary>
public sealed class GuestConfigurationTests
{
    private static readonly Instance Server = new()
    {
        Uuid = "b0a0c3a2-8d7e-4d0e-9f4e-2f7f1b1d5c10", Name = "instance-00000001", DisplayName = "My Web_Server 漢.", ProjectId = "p", UserId = "u", Flavor = TwoHosts.Small,
    };

    [Fact]
    public void Everything_that_the_user_gave_is_in_the_documents()
    {
        var large = Enumerable.Range(0, 10240).Select(i => (byte)i).ToArray();
        var step = new TestInstanceStep
        {
            Instance = Server with
            {
                KeyName = "mine", KeyData = "ssh-ed25519 AAAA me", UserData = Convert.ToBase64String("#!/bin/sh\necho hi é\n"u8), Metadata = new Dictionary<string, string> { ["role"] = "web \"1\"", ["ключ"] = "値" },
                AvailabilityZone = "north", LaunchIndex = 2, ConfigDrive = true,
            },
            RequestId = "r", AdminPassword = "s3cret", InjectedFiles = [new InjectedFile("/etc/motd", "hi"u8.ToArray()), new InjectedFile("/root/große datei", large), new InjectedFile("/empty", default)],
        };

        var files = Read(step, new GuestInterface("0", "vif-1", "02:00:00:00:00:01", 1500, "net-1"), new GuestInterface("1", "vif-2", "02:00:00:00:00:02", 9000, "net-2"));

        var meta = JsonNode.Parse(files["openstack/latest/meta_data.json"])!;
        Assert.Equal(Server.Uuid, meta["uuid"]!.GetValue<string>());
        Assert.Equal(("my-web-server", Server.DisplayName), (meta["hostname"]!.GetValue<string>(), meta["name"]!.GetValue<string>()));
        Assert.Equal((2, "north", "p"), (meta["launch_index"]!.GetValue<int>(), meta["availability_zone"]!.GetValue<string>(), meta["project_id"]!.GetValue<string>()));
        Assert.Equal("s3cret", meta["admin_pass"]!.GetValue<string>());
        Assert.Equal(("web \"1\"", "値"), (meta["meta"]!["role"]!.GetValue<string>(), meta["meta"]!["ключ"]!.GetValue<string>()));
        Assert.Equal("""{"mine":"ssh-ed25519 AAAA me"}""", meta["public_keys"]!.ToJsonString());
        Assert.Equal("""[{"name":"mine","type":"ssh","data":"ssh-ed25519 AAAA me"}]""", meta["keys"]!.ToJsonString());
        Assert.Equal(512, Convert.FromBase64String(meta["random_seed"]!.GetValue<string>()).Length);
        Assert.Equal(["/etc/motd", "/root/große datei", "/empty"], meta["files"]!.AsArray().Select(f => f!["path"]!.GetValue<string>()));
        Assert.Equal([[.. "hi"u8], large, []], meta["files"]!.AsArray().Select(f => files["openstack" + f!["content_path"]!.GetValue<string>()]));
        Assert.Equal("#!/bin/sh\necho hi é\n", Encoding.UTF8.GetString(files["openstack/latest/user_data"]));

        var network = JsonNode.Parse(files["openstack/latest/network_data.json"])!;
        Assert.Equal(
            """[{"id":"interface0","vif_id":"vif-1","type":"phy","mtu":1500,"ethernet_mac_address":"02:00:00:00:00:01"},{"id":"interface1","vif_id":"vif-2","type":"phy","mtu":9000,"ethernet_mac_address":"02:00:00:00:00:02"}]""",
            network["links"]!.ToJsonString());
        Assert.Equal(["interface0", "interface1"], network["networks"]!.AsArray().Select(n => n!["link"]!.GetValue<string>()));
        Assert.All(network["networks"]!.AsArray(), n => Assert.Equal("ipv4_dhcp", n!["type"]!.GetValue<string>()));
    }

    [Fact]
    public void What_was_not_given_is_not_there()
    {
        var files = Read(new TestInstanceStep { Instance = Server, RequestId = "r" });

        var meta = JsonNode.Parse(files["openstack/latest/meta_data.json"])!.AsObject();
        Assert.Equal(["availability_zone", "devices", "hostname", "launch_index", "name", "project_id", "random_seed", "uuid"], meta.Select(p => p.Key).Order());
        Assert.Null(meta["availability_zone"]);
        Assert.DoesNotContain("openstack/latest/user_data", files.Keys);
        Assert.Equal("""{"links":[],"networks":[],"services":[]}""", Encoding.UTF8.GetString(files["openstack/latest/network_data.json"]));
        Assert.DoesNotContain(files.Keys, f => f.StartsWith("openstack/content", StringComparison.Ordinal));
    }

    [Fact]
    public void Each_version_of_the_metadata_has_what_it_had_and_no_more()
    {
        var files = Read(new TestInstanceStep { Instance = Server with { UserData = "aGk=" }, RequestId = "r" });

        Assert.Equal(["meta_data.json", "user_data"], In("2012-08-10"));
        Assert.Equal(["meta_data.json", "user_data", "vendor_data.json"], In("2013-10-17"));
        Assert.Equal(["meta_data.json", "network_data.json", "user_data", "vendor_data.json"], In("2015-10-15"));
        Assert.Equal(["meta_data.json", "network_data.json", "user_data", "vendor_data.json", "vendor_data2.json"], In("2018-08-27"));
        Assert.Equal(In("2018-08-27"), In("latest"));
        Assert.Equal(files["openstack/2018-08-27/meta_data.json"], files["openstack/latest/meta_data.json"]);
        Assert.False(JsonNode.Parse(files["openstack/2012-08-10/meta_data.json"])!.AsObject().ContainsKey("random_seed"));
        Assert.False(JsonNode.Parse(files["openstack/2013-10-17/meta_data.json"])!.AsObject().ContainsKey("project_id"));
        Assert.False(JsonNode.Parse(files["openstack/2015-10-15/meta_data.json"])!.AsObject().ContainsKey("devices"));

        IEnumerable<string> In(string version) => files.Keys.Where(f => f.StartsWith($"openstack/{version}/", StringComparison.Ordinal)).Select(f => f.Split('/')[^1]).Order(StringComparer.Ordinal);
    }

    [Fact]
    public void User_data_that_is_none_is_refused_without_quoting_it()
    {
        var refused = Assert.Throws<StepFailedException>(() => Read(new TestInstanceStep { Instance = Server with { UserData = "p@ssword" }, RequestId = "r" }));

        Assert.Equal(StepRecovery.Unwind, refused.Recovery);
        Assert.DoesNotContain("p@ss", refused.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("web", "web")]
    [InlineData("Web Server_1.example.org", "web-server-1.example.org")]
    [InlineData("...---", "server-b0a0c3a2-8d7e-4d0e-9f4e-2f7f1b1d5c10")]
    [InlineData("漢字", "server-b0a0c3a2-8d7e-4d0e-9f4e-2f7f1b1d5c10")]
    [InlineData("$(reboot)\n`id`;é", "rebootid")]
    public void A_host_name_is_what_DNS_allows_of_the_servers_name(string name, string hostName) => Assert.Equal(hostName, HostName.Of(Server with { DisplayName = name }));

    [Fact]
    public void A_host_name_is_no_longer_than_a_label()
    {
        Assert.Equal(63, HostName.Of(Server with { DisplayName = new string('a', 255) }).Length);
        Assert.Equal(new string('a', 62), HostName.Of(Server with { DisplayName = new string('a', 62) + "-b" }));
    }

    private static Dictionary<string, byte[]> Read(InstanceStepContext step, params GuestInterface[] interfaces) =>
        new GuestConfiguration(step, interfaces).Files().ToDictionary(f => f.Path, f => f.Content.ToArray());
}
