using System.Text.Json.Nodes;
using System.Xml.Linq;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Flavors;
using NovaShim.Compute.Servers;
using Microsoft.Extensions.Configuration;

namespace NovaShim.Api.Tests.Flavors;

public sealed class FlavorManagementTests : IAsyncLifetime
{
    private static readonly XNamespace Compute = "http://docs.openstack.org/compute/api/v1.1";

    private Face _face = null!;

    public async Task InitializeAsync() => _face = await Face.StartAsync();

    public Task DisposeAsync() => _face.DisposeAsync();

    [Theory]
    [InlineData("v1.1")]
    [InlineData("v2")]
    [InlineData("v2.1")]
    public async Task A_flavor_is_made_with_all_that_it_can_have(string surface)
    {
        var reply = await _face.SendAsync("admin", "POST", surface + ":/flavors",
            """{"flavor": {"name": "big", "id": 77, "ram": "1024", "vcpus": 2, "disk": 10, "swap": 512, "rxtx_factor": "2.5", "OS-FLV-EXT-DATA:ephemeral": 5, "os-flavor-access:is_public": "False"}}""");
        Assert.Equal(200, reply.Status);
        var shown = (await _face.SendAsync("admin", "GET", surface + ":/flavors/77")).Json!["flavor"]!;
        Assert.Equal(reply.Json!["flavor"]!.ToJsonString(), shown.ToJsonString());
        Assert.Equal(("77", "big", 1024, 2, 10, 512, 2.5m, 5, false), (
            Text(shown, "id"), Text(shown, "name"), Int(shown, "ram"), Int(shown, "vcpus"), Int(shown, "disk"), Int(shown, "swap"), shown["rxtx_factor"]!.GetValue<decimal>(),
            Int(shown, "OS-FLV-EXT-DATA:ephemeral"), shown["os-flavor-access:is_public"]!.GetValue<bool>()));
    }

    [Theory]
    [InlineData("null")]
    [InlineData(null)]
    public async Task Without_an_id_a_flavor_gets_one(string? id)
    {
        var flavor = await MakeAsync("unnumbered", id is null ? "" : $"\"id\": {id}, ");
        Assert.True(Guid.TryParse(Text(flavor, "id"), out _));
        Assert.Equal(("", 1m, 0, true), (Text(flavor, "swap"), flavor["rxtx_factor"]!.GetValue<decimal>(), Int(flavor, "OS-FLV-EXT-DATA:ephemeral"), flavor["os-flavor-access:is_public"]!.GetValue<bool>()));
        Assert.Contains((await _face.SendAsync("alice", "GET", "v2.1:/flavors")).Json!["flavors"]!.AsArray(), f => Text(f!, "name") == "unnumbered");
    }

    [Fact]
    public async Task A_flavor_is_made_read_and_removed_in_XML()
    {
        var reply = await XmlAsync("admin", "POST", "/flavors", $"""
            <flavor xmlns="{Compute}" xmlns:OS-FLV-EXT-DATA="http://docs.openstack.org/compute/ext/flavor_extra_data/api/v1.1" name="x" id="x" ram="64" vcpus="1" disk="0" OS-FLV-EXT-DATA:ephemeral="3"/>
            """);
        Assert.Equal(200, reply.Status);
        var flavor = XDocument.Parse(reply.Text).Root!;
        Assert.Equal((Compute + "flavor", "x", "64"), (flavor.Name, (string)flavor.Attribute("id")!, (string)flavor.Attribute("ram")!));
        Assert.Equal(3, (await _face.Store.Collection<FlavorDocument>().FirstOrDefaultAsync(f => f.FlavorId == "x", default))!.EphemeralGb);
        reply = await XmlAsync("admin", "POST", "/flavors/x/os-extra_specs", "<extra_specs><k>v</k><a_x003A_b/></extra_specs>");
        Assert.Equal(200, reply.Status);
        reply = await XmlAsync("alice", "GET", "/flavors/x/os-extra_specs", null);
        Assert.Equal(["k=v", "a_x003A_b="], XDocument.Parse(reply.Text).Root!.Elements().Select(e => $"{e.Name.LocalName}={e.Value}"));
        Assert.Equal("v", XDocument.Parse((await XmlAsync("alice", "GET", "/flavors/x/os-extra_specs/k", null)).Text).Root!.Element(Compute + "k")!.Value);
        Assert.Equal(200, (await XmlAsync("admin", "PUT", "/flavors/x/os-extra_specs/k", "<extra_specs><k>w</k></extra_specs>")).Status);
        Assert.Equal(200, (await XmlAsync("admin", "PUT", "/flavors/x/os-extra_specs/l", "<l>m</l>")).Status);
        Assert.Equal(200, (await XmlAsync("admin", "DELETE", "/flavors/x/os-extra_specs/a:b", null)).Status);
        Assert.Equal("""{"extra_specs":{"k":"w","l":"m"}}""", (await _face.SendAsync("alice", "GET", "v1.1:/flavors/x/os-extra_specs")).Json!.ToJsonString());
        Assert.Equal(202, (await XmlAsync("admin", "DELETE", "/flavors/x", null)).Status);
        reply = await XmlAsync("admin", "GET", "/flavors/x", null);
        Assert.Equal((404, Compute + "itemNotFound"), (reply.Status, XDocument.Parse(reply.Text).Root!.Name));
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { """{"flavor": {"ram": 1, "vcpus": 1, "disk": 1}}""", "flavor.name" },
        { """{"flavor": {"name": "", "ram": 1, "vcpus": 1, "disk": 1}}""", "flavor.name" },
        { """{"flavor": {"name": " n", "ram": 1, "vcpus": 1, "disk": 1}}""", "flavor.name" },
        { """{"flavor": {"name": "n\u0007", "ram": 1, "vcpus": 1, "disk": 1}}""", "flavor.name" },
        { """{"flavor": {"name": "n", "ram": 0, "vcpus": 1, "disk": 1}}""", "flavor.ram" },
        { """{"flavor": {"name": "n", "ram": 99999999999, "vcpus": 1, "disk": 1}}""", "flavor.ram" },
        { """{"flavor": {"name": "n", "ram": 1, "vcpus": "many", "disk": 1}}""", "flavor.vcpus" },
        { """{"flavor": {"name": "n", "ram": 1, "vcpus": 1, "disk": -1}}""", "flavor.disk" },
        { """{"flavor": {"name": "n", "ram": 1, "vcpus": 1, "disk": 1, "swap": 1.5}}""", "flavor.swap" },
        { """{"flavor": {"name": "n", "ram": 1, "vcpus": 1, "disk": 1, "rxtx_factor": 0}}""", "flavor.rxtx_factor" },
        { """{"flavor": {"name": "n", "ram": 1, "vcpus": 1, "disk": 1, "rxtx_factor": "-1"}}""", "flavor.rxtx_factor" },
        { """{"flavor": {"name": "n", "ram": 1, "vcpus": 1, "disk": 1, "id": "a/b"}}""", "flavor.id" },
        { """{"flavor": {"name": "n", "ram": 1, "vcpus": 1, "disk": 1, "os-flavor-access:is_public": "maybe"}}""", "is_public" },
        { """{"flavor": {"name": "n", "ram": 1, "vcpus": 1, "disk": 1, "colour": "red"}}""", "colour" },
        { """{"flavor": {"name": "n", "ram": 1, "vcpus": 1, "disk": 1}, "more": 1}""", "more" },
        { """{"flavor": []}""", "flavor" },
        { """{}""", "flavor" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_wrong_flavor_is_refused_by_the_name_of_its_field(string body, string field)
    {
        var reply = await _face.SendAsync("admin", "POST", "v2.1:/flavors", body);
        Assert.Equal((400, "badRequest"), (reply.Status, reply.Fault.Name));
        Assert.Contains(field, reply.Fault.Message, StringComparison.Ordinal);
        Assert.Equal(5, (await _face.Store.Collection<FlavorDocument>().ListAsync(_face.Store.Collection<FlavorDocument>().Query(), default)).Count);
    }

    [Fact]
    public async Task Names_and_ids_are_taken_once_and_free_again_when_the_flavor_is_gone()
    {
        await MakeAsync("one", "\"id\": \"1st\", ");
        Assert.Equal("Flavor with name one already exists.", (await RefusedAsync("one", "2nd")).Message);
        var (name, message) = await RefusedAsync("two", "1st");
        Assert.Equal(("conflictingRequest", "Flavor with ID 1st already exists."), (name, message));
        Assert.Equal(202, (await _face.SendAsync("admin", "DELETE", "v2.1:/flavors/1st")).Status);
        Assert.Equal(404, (await _face.SendAsync("admin", "DELETE", "v2.1:/flavors/1st")).Status);
        await MakeAsync("one", "\"id\": \"1st\", ");
        Assert.Equal(202, (await _face.SendAsync("admin", "DELETE", "v1.1:/flavors/1st")).Status);
    }

    [Fact]
    public async Task Of_two_that_make_the_same_at_once_one_succeeds()
    {
        var replies = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => _face.SendAsync("admin", "POST", "v2.1:/flavors", """{"flavor": {"name": "twin", "id": "twin", "ram": 1, "vcpus": 1, "disk": 1}}""")));
        Assert.Equal([200, 409, 409, 409], replies.Select(r => r.Status).Order());
    }

    [Fact]
    public async Task A_server_outlives_its_flavor()
    {
        await MakeAsync("brief", "\"id\": \"brief\", ");
        var server = await _face.AddServerAsync("alice", flavorId: "brief");
        await _face.SendAsync("admin", "DELETE", "v2.1:/flavors/brief");
        Assert.Equal("brief", Text((await _face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}")).Json!["server"]!["flavor"]!, "id"));
        Assert.Equal(202, (await _face.SendAsync("alice", "POST", $"v2.1:/servers/{server.Uuid}/action", """{"resize": {"flavorRef": "2"}}""")).Status);
        Assert.Equal(400, (await _face.SendAsync("alice", "POST", "v2.1:/servers", $$$"""{"server": {"name": "n", "imageRef": "{{{Face.ImageId}}}", "flavorRef": "brief"}}""")).Status);
    }

    [Fact]
    public async Task A_removed_flavor_is_not_planted_again()
    {
        await _face.SendAsync("admin", "DELETE", "v2.1:/flavors/1");
        await FlavorSeeds.PlantAsync(_face.Store, new ConfigurationBuilder().Build(), default);
        Assert.Equal(404, (await _face.SendAsync("alice", "GET", "v2.1:/flavors/1")).Status);
    }

    [Fact]
    public async Task A_private_flavor_is_for_the_tenants_that_were_given_it()
    {
        await MakeAsync("secret", "\"id\": \"secret\", \"os-flavor-access:is_public\": false, ");
        var alice = _face.ProjectIdOf("alice");
        var server = await _face.AddServerAsync("alice");
        Assert.Equal("""{"flavor_access":[]}""", (await _face.SendAsync("admin", "GET", "v2.1:/flavors/secret/os-flavor-access")).Text);
        foreach (var path in new[] { "/flavors/secret", "/flavors/secret/os-extra_specs", "/flavors/secret/os-extra_specs/k" })
        {
            Assert.Equal(404, (await _face.SendAsync("alice", "GET", "v2.1:" + path)).Status);
        }

        Assert.Equal(400, (await _face.SendAsync("alice", "GET", "v2.1:/flavors?marker=secret")).Status);
        Assert.Equal(400, (await _face.SendAsync("alice", "POST", $"v2.1:/servers/{server.Uuid}/action", """{"resize": {"flavorRef": "secret"}}""")).Status);
        Assert.DoesNotContain("secret", (await _face.SendAsync("admin", "GET", "v2.1:/flavors")).Text, StringComparison.Ordinal);
        Assert.Equal(["secret"], Ids(await _face.SendAsync("admin", "GET", "v2.1:/flavors?is_public=False")));
        Assert.Contains("secret", Ids(await _face.SendAsync("admin", "GET", "v2.1:/flavors?is_public=None")));

        var added = await _face.SendAsync("admin", "POST", "v2.1:/flavors/secret/action", $$$"""{"addTenantAccess": {"tenant": "{{{alice}}}"}}""");
        Assert.Equal((200, $$"""{"flavor_access":[{"flavor_id":"secret","tenant_id":"{{alice}}"}]}"""), (added.Status, added.Text));
        Assert.Equal(409, (await _face.SendAsync("admin", "POST", "v2.1:/flavors/secret/action", $$$"""{"addTenantAccess": {"tenant": "{{{alice}}}"}}""")).Status);
        Assert.Equal(200, (await _face.SendAsync("alice", "GET", "v2.1:/flavors/secret")).Status);
        Assert.Contains("secret", Ids(await _face.SendAsync("alice", "GET", "v2.1:/flavors/detail")));
        Assert.Equal(404, (await _face.SendAsync("bob", "GET", "v2.1:/flavors/secret")).Status);
        Assert.Equal(202, (await _face.SendAsync("alice", "POST", "v2.1:/servers", $$$"""{"server": {"name": "n", "imageRef": "{{{Face.ImageId}}}", "flavorRef": "secret"}}""")).Status);

        var xml = await XmlAsync("admin", "GET", "/flavors/secret/os-flavor-access", null);
        var access = XDocument.Parse(xml.Text).Root!;
        Assert.Equal((Compute + "flavor_access", Compute + "access", alice), (access.Name, access.Elements().Single().Name, (string)access.Elements().Single().Attribute("tenantId")!));
        xml = await XmlAsync("admin", "POST", "/flavors/secret/action", $"""<removeTenantAccess tenant="{alice}"/>""");
        Assert.Equal((200, 0), (xml.Status, XDocument.Parse(xml.Text).Root!.Elements().Count()));
        Assert.Equal(404, (await _face.SendAsync("admin", "POST", "v2.1:/flavors/secret/action", $$$"""{"removeTenantAccess": {"tenant": "{{{alice}}}"}}""")).Status);
        Assert.Equal(404, (await _face.SendAsync("alice", "GET", "v2.1:/flavors/secret")).Status);
    }

    [Fact]
    public async Task Extra_specs_are_added_changed_and_removed()
    {
        const string At = "v2.1:/flavors/1/os-extra_specs";
        Assert.Equal("""{"extra_specs":{"hw:cpu_policy":"shared","n":"1"}}""", (await _face.SendAsync("admin", "POST", At, """{"extra_specs": {"hw:cpu_policy": "shared", "n": 1}}""")).Text);
        Assert.Equal("""{"hw:cpu_policy":"shared"}""", (await _face.SendAsync("alice", "GET", At + "/hw:cpu_policy")).Text);
        Assert.Equal("""{"n":"2"}""", (await _face.SendAsync("admin", "PUT", At + "/n", """{"n": "2"}""")).Text);
        Assert.Equal(200, (await _face.SendAsync("admin", "DELETE", At + "/hw:cpu_policy")).Status);
        Assert.Equal("""{"extra_specs":{"n":"2"}}""", (await _face.SendAsync("alice", "GET", At)).Text);
        foreach (var method in new[] { "GET", "DELETE" })
        {
            var reply = await _face.SendAsync("admin", method, At + "/hw:cpu_policy");
            Assert.Equal((404, "Flavor 1 has no extra specs with key hw:cpu_policy."), (reply.Status, reply.Fault.Message));
        }
    }

    [Theory]
    [InlineData("POST", "/flavors/1/os-extra_specs", """{"extra_specs": {"a/b": "c"}}""", 400)]
    [InlineData("POST", "/flavors/1/os-extra_specs", """{"extra_specs": {"": "c"}}""", 400)]
    [InlineData("POST", "/flavors/1/os-extra_specs", """{"extra_specs": {"k": {}}}""", 400)]
    [InlineData("POST", "/flavors/1/os-extra_specs", """{"extra_specs": []}""", 400)]
    [InlineData("POST", "/flavors/1/os-extra_specs", """{"specs": {}}""", 400)]
    [InlineData("POST", "/flavors/77/os-extra_specs", """{"extra_specs": {"a": "b"}}""", 404)]
    [InlineData("PUT", "/flavors/1/os-extra_specs/a", """{"b": "c"}""", 400)]
    [InlineData("PUT", "/flavors/1/os-extra_specs/a", """{"a": "c", "b": "d"}""", 400)]
    [InlineData("PUT", "/flavors/77/os-extra_specs/a", """{"a": "c"}""", 404)]
    [InlineData("GET", "/flavors/1/os-flavor-access", null, 404)]
    [InlineData("GET", "/flavors/77/os-flavor-access", null, 404)]
    [InlineData("POST", "/flavors/77/action", """{"addTenantAccess": {"tenant": "t"}}""", 404)]
    [InlineData("POST", "/flavors/1/action", """{"addTenantAccess": {}}""", 400)]
    [InlineData("POST", "/flavors/1/action", """{"addTenantAccess": {"tenant": 1}}""", 400)]
    [InlineData("POST", "/flavors/1/action", """{"addTenantAccess": null}""", 400)]
    [InlineData("POST", "/flavors/1/action", """{"paint": {"tenant": "t"}}""", 400)]
    [InlineData("DELETE", "/flavors/77", null, 404)]
    public async Task What_cannot_be_is_refused(string method, string path, string? body, int status) =>
        Assert.Equal(status, (await _face.SendAsync("admin", method, "v2.1:" + path, body)).Status);

    [Theory]
    [InlineData("POST", "/flavors")]
    [InlineData("DELETE", "/flavors/77")]
    [InlineData("GET", "/flavors/77/os-flavor-access")]
    [InlineData("POST", "/flavors/77/action")]
    [InlineData("POST", "/flavors/77/os-extra_specs")]
    [InlineData("PUT", "/flavors/77/os-extra_specs/k")]
    [InlineData("DELETE", "/flavors/77/os-extra_specs/k")]
    public async Task Only_administrators_may_and_others_do_not_learn_what_there_is(string method, string path)
    {
        foreach (var surface in new[] { "v1.1", "v2", "v2.1" })
        {
            Assert.Equal(403, (await _face.SendAsync("alice", method, $"{surface}:{path}", method is "POST" or "PUT" ? "{}" : null)).Status);
        }
    }

    [Theory]
    [InlineData("/flavors?sort_key=memory_mb&sort_dir=desc", "5 4 3 2 1")]
    [InlineData("/flavors?sort_key=name&limit=2", "4 3")]
    [InlineData("/flavors?sort_key=name&limit=2&marker=3", "2 1")]
    [InlineData("/flavors?sort_key=colour", null)]
    [InlineData("/flavors?sort_dir=up", null)]
    public async Task Lists_are_ordered_as_asked(string path, string? ids)
    {
        var reply = await _face.SendAsync("alice", "GET", "v2.1:" + path);
        Assert.Equal(ids is null ? 400 : 200, reply.Status);
        Assert.Equal(ids, ids is null ? null : string.Join(' ', Ids(reply)));
    }

    [Fact]
    public async Task In_2011_a_least_that_is_no_number_was_passed_over() =>
        Assert.Equal(5, Ids(await _face.SendAsync("alice", "GET", "v1.1:/flavors?minRam=much")).Count);

    private async Task<JsonNode> MakeAsync(string name, string more)
    {
        var reply = await _face.SendAsync("admin", "POST", "v2.1:/flavors", $$$"""{"flavor": {{{{more}}}"name": "{{{name}}}", "ram": 64, "vcpus": 1, "disk": 1}}""");
        Assert.Equal(200, reply.Status);
        return reply.Json!["flavor"]!;
    }

    private async Task<(string Name, string Message)> RefusedAsync(string name, string id)
    {
        var reply = await _face.SendAsync("admin", "POST", "v2.1:/flavors", $$$"""{"flavor": {"id": "{{{id}}}", "name": "{{{name}}}", "ram": 64, "vcpus": 1, "disk": 1}}""");
        Assert.Equal(409, reply.Status);
        return reply.Fault;
    }

    private Task<Reply> XmlAsync(string user, string method, string path, string? body) => body is null
        ? _face.SendAsync(user, method, "v1.1:" + path, null, ("Accept", "application/xml"))
        : _face.SendAsync(user, method, "v1.1:" + path, body, ("Accept", "application/xml"), ("Content-Type", "application/xml"));

    private static IReadOnlyList<string> Ids(Reply reply) => [.. reply.Json!["flavors"]!.AsArray().Select(f => Text(f!, "id"))];

    private static string Text(JsonNode node, string key) => node[key]!.GetValue<string>();

    private static int Int(JsonNode node, string key) => node[key]!.GetValue<int>();
}
