using System.Text.Json.Nodes;
using System.Xml.Linq;
using Microsoft.Extensions.DependencyInjection;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Scheduling;
using NovaShim.Compute.Aggregates;
using NovaShim.Compute.Documents;
using NovaShim.Sdk;

namespace NovaShim.Api.Tests.Aggregates;

public sealed class AggregateTests : IAsyncLifetime
{
    private static readonly XNamespace Compute = "http://docs.openstack.org/compute/api/v1.1";

    private Face _face = null!;

    public async Task InitializeAsync()
    {
        _face = await Face.StartAsync();
        foreach (var (host, id) in new[] { ("xen1", 1), ("xen2", 2) })
        {
            await _face.Services.GetRequiredService<ServiceGroup>().BeatAsync(host, ServiceGroup.ComputeBinary, "compute", default);
            await _face.Store.Collection<ComputeNodeDocument>().InsertAsync(
                new ComputeNodeDocument
                {
                    Key = host, Id = id, Host = host, Driver = "fake",
                    Stats = new HostStats { HypervisorHostname = host, HypervisorType = "fake", HypervisorVersion = 1, Vcpus = 8, MemoryMb = 16384 * id, LocalGb = 200 },
                },
                default);
        }
    }

    public Task DisposeAsync() => _face.DisposeAsync();

    [Theory]
    [InlineData("v1.1")]
    [InlineData("v2")]
    [InlineData("v2.1")]
    public async Task An_aggregate_is_made_changed_and_removed(string surface)
    {
        var made = await MakeAsync("racks", surface: surface);
        Assert.Equal(["availability_zone", "created_at", "deleted", "deleted_at", "id", "name", "updated_at"], made.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal));
        var at = $"{surface}:/os-aggregates/{made["id"]}";
        Assert.Equal(404, (await ActAsync(at, "add_host", "xen9")).Status);
        Assert.Equal(["xen1"], Hosts(await ActAsync(at, "add_host", "xen1")));
        Assert.Equal(409, (await ActAsync(at, "add_host", "xen1")).Status);
        Assert.Equal(["xen1", "xen2"], Hosts(await ActAsync(at, "add_host", "xen2")));
        var set = await _face.SendAsync("admin", "POST", at + "/action", """{"set_metadata": {"metadata": {"k": "v", "availability_zone": "cage", "gone": "soon"}}}""");
        Assert.Equal(("cage", "v"), (set.Json!["aggregate"]!["availability_zone"]!.GetValue<string>(), set.Json["aggregate"]!["metadata"]!["k"]!.GetValue<string>()));
        set = await _face.SendAsync("admin", "POST", at + "/action", """{"set_metadata": {"metadata": {"gone": null}}}""");
        Assert.Equal("""{"k":"v","availability_zone":"cage"}""", set.Json!["aggregate"]!["metadata"]!.ToJsonString());
        var renamed = await _face.SendAsync("admin", "PUT", at, """{"aggregate": {"name": "shelves", "availability_zone": "attic"}}""");
        Assert.Equal(("shelves", "attic"), (renamed.Json!["aggregate"]!["name"]!.GetValue<string>(), renamed.Json["aggregate"]!["availability_zone"]!.GetValue<string>()));
        Assert.Equal(renamed.Text, (await _face.SendAsync("admin", "GET", at)).Text);
        Assert.Equal("shelves", (await _face.SendAsync("admin", "GET", surface + ":/os-aggregates")).Json!["aggregates"]!.AsArray().Single()!["name"]!.GetValue<string>());
        Assert.Equal(400, (await _face.SendAsync("admin", "DELETE", at)).Status);
        await ActAsync(at, "remove_host", "xen1");
        Assert.Empty(Hosts(await ActAsync(at, "remove_host", "xen2")));
        Assert.Equal(404, (await ActAsync(at, "remove_host", "xen2")).Status);
        Assert.Equal(200, (await _face.SendAsync("admin", "DELETE", at)).Status);
        Assert.Equal(404, (await _face.SendAsync("admin", "DELETE", at)).Status);
    }

    [Fact]
    public async Task The_same_in_XML()
    {
        var made = await XmlAsync("POST", "/os-aggregates", """<aggregate name="racks" availability_zone="cage"/>""");
        var id = (string)made.Attribute("id")!;
        Assert.Equal((Compute + "aggregate", "racks", "cage"), (made.Name, (string)made.Attribute("name")!, (string)made.Attribute("availability_zone")!));
        Assert.Equal("xen1", (await XmlAsync("POST", $"/os-aggregates/{id}/action", """<add_host host="xen1"/>""")).Element(Compute + "hosts")!.Elements(Compute + "host").Single().Value);
        Assert.Equal(
            "v", (await XmlAsync("POST", $"/os-aggregates/{id}/action", """<set_metadata><metadata><meta key="k">v</meta></metadata></set_metadata>""")).Element(Compute + "metadata")!.Elements().Single(m => (string)m.Attribute("key")! == "k").Value);
        Assert.Equal("shelves", (string)(await XmlAsync("PUT", $"/os-aggregates/{id}", """<aggregate name="shelves"/>""")).Attribute("name")!);
        Assert.Equal(Compute + "aggregate", (await XmlAsync("GET", "/os-aggregates", null)).Elements().Single().Name);
        Assert.Empty((await XmlAsync("POST", $"/os-aggregates/{id}/action", """<remove_host host="xen1"/>""")).Element(Compute + "hosts")!.Elements());
        Assert.Equal(Compute + "itemNotFound", (await XmlAsync("GET", "/os-aggregates/77", null)).Name);
    }

    [Fact]
    public async Task Zones_are_what_aggregates_make_of_hosts()
    {
        var cage = (await MakeAsync("cage", "cage"))["id"];
        var attic = (await MakeAsync("attic", "attic"))["id"];
        await ActAsync($"v2.1:/os-aggregates/{cage}", "add_host", "xen1");
        var refused = await ActAsync($"v2.1:/os-aggregates/{attic}", "add_host", "xen1");
        Assert.Equal((409, "conflictingRequest"), (refused.Status, refused.Fault.Name));
        Assert.Contains("already in availability zone", refused.Fault.Message, StringComparison.Ordinal);
        Assert.Equal(["cage", "nova"], (await _face.SendAsync("alice", "GET", "v2.1:/os-availability-zone")).Json!["availabilityZoneInfo"]!.AsArray().Select(z => z!["zoneName"]!.GetValue<string>()));
        Assert.Equal("cage", (await _face.SendAsync("admin", "GET", "v2.1:/os-services?host=xen1")).Json!["services"]![0]!["zone"]!.GetValue<string>());
        Assert.Equal(["xen1"], (await _face.SendAsync("admin", "GET", "v2.1:/os-hosts?zone=cage")).Json!["hosts"]!.AsArray().Select(h => h!["host_name"]!.GetValue<string>()));
        var server = await _face.AddServerAsync("alice");
        Assert.Equal("cage", (await _face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}")).Json!["server"]!["OS-EXT-AZ:availability_zone"]!.GetValue<string>());
        Assert.Equal("cage", (await _face.SendAsync("alice", "GET", "v2.1:/servers/detail")).Json!["servers"]![0]!["OS-EXT-AZ:availability_zone"]!.GetValue<string>());

        // The same host in two aggregates: only while their zones agree.
        var second = (await MakeAsync("second", "cage"))["id"];
        await ActAsync($"v2.1:/os-aggregates/{second}", "add_host", "xen1");
        Assert.Equal(400, (await _face.SendAsync("admin", "PUT", $"v2.1:/os-aggregates/{second}", """{"aggregate": {"availability_zone": "attic"}}""")).Status);
        Assert.Equal(400, (await _face.SendAsync("admin", "POST", $"v2.1:/os-aggregates/{second}/action", """{"set_metadata": {"metadata": {"availability_zone": "attic"}}}""")).Status);
        Assert.Equal("cage", (await _face.SendAsync("admin", "GET", $"v2.1:/os-aggregates/{second}")).Json!["aggregate"]!["availability_zone"]!.GetValue<string>());
    }

    [Fact]
    public async Task Servers_are_put_into_the_zone_they_ask_for()
    {
        var cage = (await MakeAsync("cage", "cage"))["id"];
        await ActAsync($"v2.1:/os-aggregates/{cage}", "add_host", "xen1");
        var scheduler = _face.Services.GetRequiredService<FilterScheduler>();
        var caged = await _face.AddServerAsync("alice", change: i => i with { Host = null, AvailabilityZone = "cage" });
        var free = await _face.AddServerAsync("alice", change: i => i with { Host = null });
        Assert.Equal("xen1", (await scheduler.SelectForBuildAsync(caged, [], default))!.Host);
        Assert.Equal("xen2", (await scheduler.SelectForBuildAsync(free, [], default))!.Host);
        Assert.Equal("xen2", (await scheduler.SelectForBuildAsync(free with { AvailabilityZone = "nova" }, [], default))!.Host);
        Assert.Null(await scheduler.SelectForBuildAsync(caged, ["xen1"], default));

        // It does not leave the zone either.
        Assert.Null(await scheduler.SelectDestinationAsync(caged, caged.Flavor, "xen1", [], default));
        Assert.Equal("xen2", (await scheduler.SelectDestinationAsync(free, free.Flavor, "xen1", [], default))!.Host);
        foreach (var (zone, status) in new[] { ("cage", 202), ("attic", 400) })
        {
            var body = $$$"""{"server": {"name": "n", "imageRef": "{{{Face.ImageId}}}", "flavorRef": "1", "availability_zone": "{{{zone}}}"}}""";
            Assert.Equal(status, (await _face.SendAsync("alice", "POST", "v2.1:/servers", body)).Status);
        }
    }

    [Fact]
    public async Task Two_that_put_a_host_into_two_zones_at_once_do_not_both_succeed()
    {
        for (var round = 0; round < 5; round++)
        {
            var ids = await Task.WhenAll(MakeAsync($"a{round}", $"za{round}"), MakeAsync($"b{round}", $"zb{round}"));
            var replies = await Task.WhenAll(ids.Select(a => ActAsync($"v2.1:/os-aggregates/{a["id"]}", "add_host", "xen1")));
            Assert.InRange(replies.Count(r => r.Status == 200), 0, 1);
            foreach (var aggregate in await _face.Services.GetRequiredService<AggregateApi>().ListAsync(default))
            {
                Assert.Equal(replies.Any(r => r.Status == 200 && r.Json!["aggregate"]!["id"]!.GetValue<int>() == aggregate.Id), aggregate.Hosts.Count == 1);
                await _face.Services.GetRequiredService<AggregateApi>().ForgetHostAsync("xen1", default);
                await _face.Services.GetRequiredService<AggregateApi>().DeleteAsync(aggregate.Id, default);
            }
        }
    }

    public static TheoryData<string, string, string?, int, string> Wrong => new()
    {
        { "POST", "/os-aggregates", """{"aggregate": {"name": ""}}""", 400, "aggregate.name" },
        { "POST", "/os-aggregates", """{"aggregate": {"availability_zone": "z"}}""", 400, "aggregate.name" },
        { "POST", "/os-aggregates", """{"aggregate": {"name": "n", "availability_zone": 5}}""", 400, "availability_zone" },
        { "POST", "/os-aggregates", """{"aggregate": {"name": "n", "hosts": []}}""", 400, "hosts" },
        { "POST", "/os-aggregates", """{"aggregate": {"name": "there"}}""", 409, "there" },
        { "POST", "/os-aggregates", "{}", 400, "aggregate" },
        { "PUT", "/os-aggregates/@", """{"aggregate": {}}""", 400, "name" },
        { "PUT", "/os-aggregates/@", """{"aggregate": {"name": "there"}}""", 409, "there" },
        { "PUT", "/os-aggregates/77", """{"aggregate": {"name": "n"}}""", 404, "77" },
        { "GET", "/os-aggregates/-1", null, 404, "-1" },
        { "GET", "/os-aggregates/one", null, 404, "one" },
        { "DELETE", "/os-aggregates/77", null, 404, "77" },
        { "POST", "/os-aggregates/77/action", """{"add_host": {"host": "xen1"}}""", 404, "77" },
        { "POST", "/os-aggregates/@/action", """{"add_host": {}}""", 400, "add_host.host" },
        { "POST", "/os-aggregates/@/action", """{"add_host": {"host": ""}}""", 400, "add_host.host" },
        { "POST", "/os-aggregates/@/action", """{"add_host": "xen1"}""", 400, "add_host" },
        { "POST", "/os-aggregates/@/action", """{"set_metadata": {"metadata": {"a/b": "c"}}}""", 400, "a/b" },
        { "POST", "/os-aggregates/@/action", """{"set_metadata": {"metadata": {"a": 1}}}""", 400, "metadata.a" },
        { "POST", "/os-aggregates/@/action", """{"paint": {}}""", 400, "add_host" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task What_cannot_be_is_refused_and_says_why(string method, string path, string? body, int status, string said)
    {
        await MakeAsync("there");
        var id = (await MakeAsync("mine"))["id"]!.ToJsonString();
        var reply = await _face.SendAsync("admin", method, "v2.1:" + path.Replace("@", id, StringComparison.Ordinal), body);
        Assert.Equal(status, reply.Status);
        Assert.Contains(said, reply.Fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/os-aggregates")]
    [InlineData("POST", "/os-aggregates")]
    [InlineData("GET", "/os-aggregates/77")]
    [InlineData("PUT", "/os-aggregates/77")]
    [InlineData("DELETE", "/os-aggregates/77")]
    [InlineData("POST", "/os-aggregates/77/action")]
    public async Task Only_administrators_may(string method, string path) =>
        Assert.Equal(403, (await _face.SendAsync("alice", method, "v2.1:" + path, method is "POST" or "PUT" ? "{}" : null)).Status);

    private async Task<JsonNode> MakeAsync(string name, string? zone = null, string surface = "v2.1")
    {
        var reply = await _face.SendAsync("admin", "POST", surface + ":/os-aggregates", $$$"""{"aggregate": {"name": "{{{name}}}", "availability_zone": {{{(zone is null ? "null" : $"\"{zone}\"")}}}}}""");
        Assert.Equal(200, reply.Status);
        return reply.Json!["aggregate"]!;
    }

    private Task<Reply> ActAsync(string at, string action, string host) => _face.SendAsync("admin", "POST", at + "/action", $$$"""{"{{{action}}}": {"host": "{{{host}}}"}}""");

    private async Task<XElement> XmlAsync(string method, string path, string? body) => XDocument.Parse((body is null
        ? await _face.SendAsync("admin", method, "v1.1:" + path, null, ("Accept", "application/xml"))
        : await _face.SendAsync("admin", method, "v1.1:" + path, body, ("Accept", "application/xml"), ("Content-Type", "application/xml"))).Text).Root!;

    private static IEnumerable<string> Hosts(Reply reply) => reply.Json!["aggregate"]!["hosts"]!.AsArray().Select(h => h!.GetValue<string>());
}
