using System.Xml.Linq;

namespace NovaShim.Api.Tests.Representations;

[Collection(SharedFace.Name)]
public sealed class XmlTests(Face face)
{
    private static readonly XNamespace Compute = "http://docs.openstack.org/compute/api/v1.1";
    private static readonly XNamespace Atom = "http://www.w3.org/2005/Atom";

    public static TheoryData<string, string, string> Routes => new()
    {
        { "alice", "/servers", "servers" },
        { "alice", "/servers/detail", "servers" },
        { "alice", "/servers/@", "server" },
        { "alice", "/servers/@/ips", "addresses" },
        { "alice", "/servers/@/ips/private", "network" },
        { "alice", "/servers/@/metadata", "metadata" },
        { "alice", "/servers/@/metadata/k", "meta" },
        { "alice", "/servers/@/os-instance-actions", "instanceActions" },
        { "alice", "/flavors", "flavors" },
        { "alice", "/flavors/detail", "flavors" },
        { "alice", "/flavors/2", "flavor" },
        { "alice", "/images", "images" },
        { "alice", "/images/detail", "images" },
        { "alice", $"/images/{Face.ImageId}", "image" },
        { "alice", "/limits", "limits" },
        { "alice", "/extensions", "extensions" },
        { "alice", "/extensions/OS-DCF", "extension" },
        { "alice", "/os-availability-zone", "availabilityZoneInfo" },
        { "admin", "/os-migrations", "migrations" },
        { "admin", "/os-services", "services" },
        { "admin", "/os-hypervisors", "hypervisors" },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Every_route_answers_in_JSON_and_in_XML(string user, string path, string root)
    {
        var server = await face.AddServerAsync(user, change: i => i with { Metadata = new Dictionary<string, string> { ["k"] = "v" } });
        path = "v1.1:" + path.Replace("@", server.Uuid, StringComparison.Ordinal);
        Assert.NotNull((await face.SendAsync(user, "GET", path)).Json);
        foreach (var reply in new[] { await face.SendAsync(user, "GET", path + ".xml"), await face.SendAsync(user, "GET", path, null, ("Accept", "application/json;q=0.5, application/vnd.openstack.compute-v1.1+xml")) })
        {
            Assert.Equal(200, reply.Status);
            Assert.Equal(Compute + root, XDocument.Parse(reply.Text).Root!.Name);
        }
    }

    [Fact]
    public async Task A_server_has_the_forms_of_its_day()
    {
        var added = await face.AddServerAsync("alice", "a \u0001<&\"", change: i => i with { Metadata = new Dictionary<string, string> { ["a b:c"] = "<v>\u0002" } });
        var server = XDocument.Parse((await face.SendAsync("alice", "GET", $"v1.1:/servers/{added.Uuid}.xml")).Text).Root!;
        Assert.Equal((added.Uuid, "a \uFFFD<&\"", "ACTIVE", added.ProjectId), ((string)server.Attribute("id")!, (string)server.Attribute("name")!, (string)server.Attribute("status")!, (string)server.Attribute("tenantId")!));
        Assert.Equal(["link", "link", "image", "flavor", "metadata", "addresses"], server.Elements().Take(6).Select(e => e.Name.LocalName));
        Assert.Equal(["self", "bookmark"], server.Elements(Atom + "link").Select(l => (string)l.Attribute("rel")!));
        var meta = server.Element(Compute + "metadata")!.Elements().Single();
        Assert.Equal(("a b:c", "<v>\uFFFD"), ((string)meta.Attribute("key")!, meta.Value));
        var network = server.Element(Compute + "addresses")!.Elements().Single();
        Assert.Equal("""<network id="private"><ip version="4" addr="10.0.0.2"/></network>""".Replace(" ", "", StringComparison.Ordinal), network.ToString(SaveOptions.DisableFormatting).Replace($" xmlns=\"{Compute}\"", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_is_made_changed_and_resized_in_XML()
    {
        var created = await XmlAsync("POST", "/servers", $"""<server xmlns="{Compute}" name="x" imageId="{Face.ImageId}" flavorId="1"><metadata><meta key="k">v</meta></metadata><personality/></server>""");
        Assert.Equal(202, created.Status);
        var root = XDocument.Parse(created.Text).Root!;
        Assert.NotEmpty((string)root.Attribute("adminPass")!);
        Assert.Equal("v", root.Element(Compute + "metadata")!.Value);
        var server = await face.AddServerAsync("alice");
        var at = $"/servers/{server.Uuid}";
        Assert.Equal("y", (string?)XDocument.Parse((await XmlAsync("PUT", at, """<server name="y"/>""")).Text).Root!.Attribute("name"));
        Assert.Equal("w", XDocument.Parse((await XmlAsync("POST", at + "/metadata", """<metadata><meta key="q">w</meta></metadata>""")).Text).Root!.Value);
        Assert.Equal(200, (await XmlAsync("PUT", at + "/metadata/q", """<meta key="q">z</meta>""")).Status);
        Assert.Equal(400, (await XmlAsync("POST", at + "/action", "<confirmResize/>")).Status);
        Assert.Equal(202, (await XmlAsync("POST", at + "/action", """<resize flavorRef="3"/>""")).Status);
        Assert.Equal("RESIZE", (await face.SendAsync("alice", "GET", "v1.1:" + at)).Json!["server"]!["status"]!.GetValue<string>());
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { "", "line" },
        { "<server", "line" },
        { "<!DOCTYPE server [<!ENTITY e 'x'>]><server name='&e;'/>", "line" },
        { "<!DOCTYPE server SYSTEM 'file:///etc/passwd'><server/>", "line" },
        { "<server name='&unknown;'/>", "line" },
        { string.Concat(Enumerable.Repeat("<a>", 40)) + string.Concat(Enumerable.Repeat("</a>", 40)), "deeper" },
        { "<server>" + string.Concat(Enumerable.Repeat("<a/>", 5000)) + "</server>", "more than" },
        { "<server><metadata><other/></metadata></server>", "other" },
        { "<server><a/>text</server>", "server" },
        { "<server><metadata/><metadata/></server>", "metadata is there twice" },
        { "<image/>", "server" },
        { "<_xD800_ a='b'/>", "_xD800_" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_wrong_document_is_a_bad_request_that_says_where(string body, string said)
    {
        var reply = await XmlAsync("POST", "/servers", body);
        Assert.Equal(400, reply.Status);
        var fault = XDocument.Parse(reply.Text).Root!;
        Assert.Equal((Compute + "badRequest", "400"), (fault.Name, (string)fault.Attribute("code")!));
        Assert.Contains(said, fault.Element(Compute + "message")!.Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("alice", "GET", "v1.1:/servers/none.xml", 404, "itemNotFound")]
    [InlineData("alice", "DELETE", "v1.1:/servers.xml", 405, "badMethod")]
    [InlineData("alice", "GET", "v1.1:/os-services.xml", 403, "resizeNotAllowed")]
    [InlineData(null, "GET", "/v1.1/t/servers.xml", 401, "unauthorized")]
    public async Task Faults_come_in_the_format_asked_for(string? user, string method, string path, int status, string name)
    {
        var reply = await face.SendAsync(user, method, path);
        Assert.Equal(status, reply.Status);
        Assert.Equal(Compute + name, XDocument.Parse(reply.Text).Root!.Name);
    }

    [Fact]
    public async Task Bodies_too_large_or_of_another_type_get_their_fault_in_XML()
    {
        var large = await XmlAsync("POST", "/servers", $"<server name=\"{new string('x', 120_000)}\"/>");
        Assert.Equal((413, Compute + "overLimit"), (large.Status, XDocument.Parse(large.Text).Root!.Name));
        var other = await face.SendAsync("alice", "POST", "v1.1:/servers.xml", "a=b", ("Content-Type", "application/x-www-form-urlencoded"));
        Assert.Equal((415, Compute + "badMediaType"), (other.Status, XDocument.Parse(other.Text).Root!.Name));
        var garbled = await XmlAsync("POST", "/servers", "<?xml version='1.0' encoding='no-such'?><server/>");
        Assert.Equal((400, Compute + "badRequest"), (garbled.Status, XDocument.Parse(garbled.Text).Root!.Name));
    }

    [Theory]
    [InlineData("v2")]
    [InlineData("v2.1")]
    public async Task Other_surfaces_take_no_XML(string surface) =>
        Assert.Equal((415, "badMediaType"), await face.SendAsync("alice", "POST", $"{surface}:/servers", "<server/>", ("Content-Type", "application/xml")) is var r ? (r.Status, r.Fault.Name) : default);

    [Theory]
    [InlineData("/", "application/xml", 200, "versions")]
    [InlineData("/v1.1/", "application/xml", 200, "version")]
    [InlineData("/servers/1", "application/xml", 300, "choices")]
    public async Task Versions_and_choices_are_in_XML(string path, string accept, int status, string root)
    {
        var reply = await face.SendAsync(null, "GET", path, null, ("Accept", accept));
        Assert.Equal(status, reply.Status);
        Assert.Equal(Compute + root, XDocument.Parse(reply.Text).Root!.Name);
    }

    [Theory]
    [InlineData("/", 3)]
    [InlineData("/v1.1/", 1)]
    public async Task Versions_are_in_Atom(string path, int entries)
    {
        var reply = await face.SendAsync(null, "GET", path, null, ("Accept", "application/atom+xml"));
        var feed = XDocument.Parse(reply.Text).Root!;
        Assert.Equal((Atom + "feed", entries), (feed.Name, feed.Elements(Atom + "entry").Count()));
        Assert.Equal($"{face.BaseUrl}{path}", feed.Element(Atom + "id")!.Value);
    }

    private Task<Reply> XmlAsync(string method, string path, string body) =>
        face.SendAsync("alice", method, "v1.1:" + path, body, ("Content-Type", "application/xml"), ("Accept", "application/xml"));
}
