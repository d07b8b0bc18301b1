using System.Text.Json.Nodes;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Tests.Servers;

/// <summary>Which keys a server has, on which surface and for whom: exactly these, because today's test suite refuses any other.</summary>
[Collection(SharedFace.Name)]
public sealed class ServerDocumentTests(Face face)
{
    private static readonly string[] V21 =
    [
        "OS-DCF:diskConfig", "OS-EXT-AZ:availability_zone", "OS-EXT-STS:power_state", "OS-EXT-STS:task_state", "OS-EXT-STS:vm_state", "OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at",
        "accessIPv4", "accessIPv6", "addresses", "config_drive", "created", "flavor", "hostId", "id", "image", "key_name", "links", "metadata", "name", "os-extended-volumes:volumes_attached",
        "progress", "security_groups", "status", "tenant_id", "updated", "user_id",
    ];

    private static readonly string[] AdminKeys = ["OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:hypervisor_hostname", "OS-EXT-SRV-ATTR:instance_name"];

    private static readonly string[] V11 =
    [
        "OS-DCF:diskConfig", "OS-EXT-STS:power_state", "OS-EXT-STS:task_state", "OS-EXT-STS:vm_state", "accessIPv4", "accessIPv6", "addresses", "config_drive", "created", "flavor", "hostId", "id",
        "image", "key_name", "links", "metadata", "name", "progress", "security_groups", "status", "tenant_id", "updated", "user_id", "uuid",
    ];

    [Fact]
    public async Task Show_has_the_surfaces_keys()
    {
        var server = await face.AddServerAsync("alice");
        Assert.Equal(V21, await KeysAsync("alice", $"v2.1:/servers/{server.Uuid}"));
        Assert.Equal(V21.Concat(AdminKeys).Order(StringComparer.Ordinal), await KeysAsync("admin", $"v2.1:/servers/{server.Uuid}"));
        Assert.Equal(V11, await KeysAsync("alice", $"v1.1:/servers/{server.Uuid}"));
        Assert.Equal(V11, await KeysAsync("alice", $"v2:/servers/{server.Uuid}"));
    }

    [Fact]
    public async Task The_short_list_has_id_name_and_links()
    {
        var server = await face.AddServerAsync("alice", "short");
        var reply = await face.SendAsync("alice", "GET", "v2.1:/servers?name=^short$");
        Assert.Equal(["id", "links", "name"], Keys(reply.Json!["servers"]![0]!));
        reply = await face.SendAsync("alice", "GET", "v1.1:/servers?name=^short$");
        Assert.Equal(["id", "links", "name", "uuid"], Keys(reply.Json!["servers"]![0]!));
        Assert.Equal(server.Uuid, reply.Json["servers"]![0]!["id"]!.GetValue<string>());
    }

    [Fact]
    public async Task Self_links_carry_the_version_bookmarks_do_not_and_the_tenant_is_in_both_where_it_is_in_the_path()
    {
        var server = await face.AddServerAsync("alice");
        var tenant = face.ProjectIdOf("alice");
        var shown = (await face.SendAsync("alice", "GET", $"v1.1:/servers/{server.Uuid}")).Json!["server"]!;
        Assert.Equal($"{face.BaseUrl}/v1.1/{tenant}/servers/{server.Uuid}", Href(shown, "self"));
        Assert.Equal($"{face.BaseUrl}/{tenant}/servers/{server.Uuid}", Href(shown, "bookmark"));
        Assert.Equal($"{face.BaseUrl}/{tenant}/flavors/2", shown["flavor"]!["links"]![0]!["href"]!.GetValue<string>());
        shown = (await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}")).Json!["server"]!;
        Assert.Equal($"{face.BaseUrl}/v2.1/servers/{server.Uuid}", Href(shown, "self"));
        shown = (await face.SendAsync("alice", "GET", $"/v2.1/{tenant}/servers/{server.Uuid}")).Json!["server"]!;
        Assert.Equal($"{face.BaseUrl}/v2.1/{tenant}/servers/{server.Uuid}", Href(shown, "self"));
    }

    [Fact]
    public async Task Values_are_in_novas_forms()
    {
        var server = await face.AddServerAsync("alice", "formed", change: i => i with { AccessIpV6 = "::babe:220.12.22.2", Metadata = new Dictionary<string, string> { ["k"] = "v" }, Addresses = ["10.0.0.2", "fd00::2"] });
        var shown = (await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}")).Json!["server"]!;
        Assert.Matches("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$", shown["created"]!.GetValue<string>());
        Assert.Matches("^[0-9a-f]{56}$", shown["hostId"]!.GetValue<string>());
        Assert.Equal("::babe:dc0c:1602", shown["accessIPv6"]!.GetValue<string>());
        Assert.Equal([4, 6], shown["addresses"]!["private"]!.AsArray().Select(a => a!["version"]!.GetValue<int>()));
        Assert.Equal("v", shown["metadata"]!["k"]!.GetValue<string>());
        Assert.Equal(1, shown["OS-EXT-STS:power_state"]!.GetValue<int>());
        Assert.True(shown.AsObject().ContainsKey("key_name"));
        shown = (await face.SendAsync("alice", "GET", $"v1.1:/servers/{server.Uuid}")).Json!["server"]!;
        Assert.Equal("::babe:220.12.22.2", shown["accessIPv6"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_server_in_error_says_why_and_details_are_for_administrators()
    {
        var server = await face.AddServerAsync("alice", "broken", VmStates.Error, i => i with { Fault = new InstanceFault(500, "No valid host was found.", "inner workings", DateTime.UtcNow) });
        var shown = (await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}")).Json!["server"]!;
        Assert.Equal(["code", "created", "message"], Keys(shown["fault"]!));
        Assert.False(shown.AsObject().ContainsKey("progress"));
        shown = (await face.SendAsync("admin", "GET", $"v2.1:/servers/{server.Uuid}")).Json!["server"]!;
        Assert.Equal("inner workings", shown["fault"]!["details"]!.GetValue<string>());
    }

    [Fact]
    public async Task An_update_answers_a_part_of_a_server_on_2_1_and_changes_only_what_it_names()
    {
        var server = await face.AddServerAsync("alice", "before");
        var reply = await face.SendAsync("alice", "PUT", $"v2.1:/servers/{server.Uuid}", """{"server": {"name": "after", "accessIPv4": "10.1.1.1"}}""");
        Assert.Equal(200, reply.Status);
        Assert.Equal("after", reply.Json!["server"]!["name"]!.GetValue<string>());
        var keys = Keys(reply.Json["server"]!);
        Assert.DoesNotContain(keys, k => k.StartsWith("OS-EXT-", StringComparison.Ordinal) || k is "key_name" or "config_drive" or "security_groups");
        Assert.Equal(["addr", "version"], Keys(reply.Json["server"]!["addresses"]!["private"]![0]!));
        reply = await face.SendAsync("alice", "PUT", $"v1.1:/servers/{server.Uuid}", """{"server": {"name": " later ", "accessIPv4": null}}""");
        Assert.Equal(("later", "10.1.1.1"), (reply.Json!["server"]!["name"]!.GetValue<string>(), reply.Json["server"]!["accessIPv4"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Addresses_can_be_asked_for_by_themselves()
    {
        var server = await face.AddServerAsync("alice");
        Assert.Equal("10.0.0.2", (await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}/ips")).Json!["addresses"]!["private"]![0]!["addr"]!.GetValue<string>());
        Assert.Equal("10.0.0.2", (await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}/ips/private")).Json!["private"]![0]!["addr"]!.GetValue<string>());
        Assert.Equal(404, (await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}/ips/public")).Status);
    }

    [Fact]
    public async Task Metadata_can_be_read_merged_replaced_and_removed()
    {
        var server = await face.AddServerAsync("alice");
        var path = $"v2.1:/servers/{server.Uuid}/metadata";
        Assert.Equal("""{"metadata":{"a":"1","b":"2"}}""", (await face.SendAsync("alice", "POST", path, """{"metadata": {"a": "1", "b": "2"}}""")).Text);
        Assert.Equal("""{"metadata":{"a":"3","b":"2"}}""", (await face.SendAsync("alice", "POST", path, """{"metadata": {"a": "3"}}""")).Text);
        Assert.Equal("""{"meta":{"c":"4"}}""", (await face.SendAsync("alice", "PUT", path + "/c", """{"meta": {"c": "4"}}""")).Text);
        Assert.Equal(400, (await face.SendAsync("alice", "PUT", path + "/c", """{"meta": {"d": "4"}}""")).Status);
        Assert.Equal("""{"meta":{"a":"3"}}""", (await face.SendAsync("alice", "GET", path + "/a")).Text);
        Assert.Equal(204, (await face.SendAsync("alice", "DELETE", path + "/a")).Status);
        Assert.Equal(404, (await face.SendAsync("alice", "DELETE", path + "/a")).Status);
        Assert.Equal("""{"metadata":{"x":"y"}}""", (await face.SendAsync("alice", "PUT", path, """{"metadata": {"x": "y"}}""")).Text);
        foreach (var bad in new[] { """{"metadata": {"": "y"}}""", """{"metadata": {"k": 1}}""", """{"metadata": []}""", "{}", $$$"""{"metadata": {"k": "{{{new string('v', 256)}}}"}}""" })
        {
            Assert.Equal(400, (await face.SendAsync("alice", "POST", path, bad)).Status);
        }

        Assert.Equal("""{"metadata":{"x":"y"}}""", (await face.SendAsync("alice", "GET", path)).Text);
    }

    private async Task<string[]> KeysAsync(string user, string path)
    {
        // An administrator's tenant is another: only a root without one in it serves both.
        var reply = await face.SendAsync(user, "GET", path);
        Assert.Equal(200, reply.Status);
        return Keys(reply.Json!["server"]!);
    }

    private static string[] Keys(JsonNode node) => [.. node.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal)];

    private static string Href(JsonNode server, string rel) => server["links"]!.AsArray().Single(l => l!["rel"]!.GetValue<string>() == rel)!["href"]!.GetValue<string>();
}
