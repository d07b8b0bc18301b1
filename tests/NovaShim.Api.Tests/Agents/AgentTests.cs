using System.Xml.Linq;

namespace NovaShim.Api.Tests.Agents;

public sealed class AgentTests : IAsyncLifetime
{
    private const string Agent = """{"agent": {"hypervisor": "xen", "os": "linux", "architecture": "x86_64", "version": "7.0", "url": "http://example.com/agent", "md5hash": "add6bb58e139be103324d04d82d8f545"}}""";

    private Face _face = null!;

    public async Task InitializeAsync() => _face = await Face.StartAsync();

    public Task DisposeAsync() => _face.DisposeAsync();

    [Theory]
    [InlineData("v1.1")]
    [InlineData("v2")]
    [InlineData("v2.1")]
    public async Task A_build_is_added_changed_and_removed(string surface)
    {
        var made = await _face.SendAsync("admin", "POST", surface + ":/os-agents", Agent);
        Assert.Equal((200, "7.0"), (made.Status, made.Json!["agent"]!["version"]!.GetValue<string>()));
        Assert.Equal(409, (await _face.SendAsync("admin", "POST", surface + ":/os-agents", Agent)).Status);
        Assert.Equal(200, (await _face.SendAsync("admin", "POST", surface + ":/os-agents", Agent.Replace("xen", "kvm", StringComparison.Ordinal))).Status);
        Assert.Equal(2, (await _face.SendAsync("admin", "GET", surface + ":/os-agents")).Json!["agents"]!.AsArray().Count);
        Assert.Equal("xen", (await _face.SendAsync("admin", "GET", surface + ":/os-agents?hypervisor=xen")).Json!["agents"]!.AsArray().Single()!["hypervisor"]!.GetValue<string>());
        var at = $"{surface}:/os-agents/{made.Json["agent"]!["agent_id"]}";
        var changed = await _face.SendAsync("admin", "PUT", at, """{"para": {"version": "8.0", "url": "http://example.com/newer", "md5hash": "ab"}}""");
        Assert.Equal($$$"""{"agent":{"agent_id":"{{{made.Json["agent"]!["agent_id"]}}}","version":"8.0","url":"http://example.com/newer","md5hash":"ab"}}""", changed.Text);
        Assert.Equal(200, (await _face.SendAsync("admin", "DELETE", at)).Status);
        Assert.Equal(404, (await _face.SendAsync("admin", "DELETE", at)).Status);
        Assert.Equal(404, (await _face.SendAsync("admin", "PUT", at, """{"para": {}}""")).Status);
    }

    [Fact]
    public async Task The_same_in_XML()
    {
        var made = await _face.SendAsync(
            "admin", "POST", "v1.1:/os-agents.xml", """<agent hypervisor="xen" os="win" architecture="x86" version="1" url="http://e/a" md5hash="ab"/>""", ("Content-Type", "application/xml"));
        Assert.Equal((200, "win"), (made.Status, (string)XDocument.Parse(made.Text).Root!.Attribute("os")!));
        var id = (string)XDocument.Parse(made.Text).Root!.Attribute("agent_id")!;
        Assert.Single(XDocument.Parse((await _face.SendAsync("admin", "GET", "v1.1:/os-agents.xml")).Text).Root!.Elements());
        var changed = await _face.SendAsync("admin", "PUT", $"v1.1:/os-agents/{id}.xml", """<para version="2" url="http://e/b" md5hash="cd"/>""", ("Content-Type", "application/xml"));
        Assert.Equal("2", (string)XDocument.Parse(changed.Text).Root!.Attribute("version")!);
    }

    [Theory]
    [InlineData("\"os\": \"linux\"", "\"os\": \"l/x\"", "agent.os")]
    [InlineData("\"os\": \"linux\", ", "", "agent.os")]
    [InlineData("http://example.com/agent", "not a url", "agent.url")]
    [InlineData("add6bb58", "xyz", "agent.md5hash")]
    [InlineData("\"7.0\"", "7", "agent.version")]
    [InlineData("\"os\"", "\"colour\": 1, \"os\"", "colour")]
    public async Task A_wrong_one_is_refused_by_the_name_of_its_field(string right, string wrong, string field)
    {
        var reply = await _face.SendAsync("admin", "POST", "v2.1:/os-agents", Agent.Replace(right, wrong, StringComparison.Ordinal));
        Assert.Equal(400, reply.Status);
        Assert.Contains(field, reply.Fault.Message, StringComparison.Ordinal);
        Assert.Equal("""{"agents":[]}""", (await _face.SendAsync("admin", "GET", "v2.1:/os-agents")).Text);
    }

    [Theory]
    [InlineData("GET", "/os-agents")]
    [InlineData("POST", "/os-agents")]
    [InlineData("PUT", "/os-agents/1")]
    [InlineData("DELETE", "/os-agents/1")]
    public async Task Only_administrators_may(string method, string path) =>
        Assert.Equal(403, (await _face.SendAsync("alice", method, "v2.1:" + path, method is "POST" or "PUT" ? "{}" : null)).Status);
}
