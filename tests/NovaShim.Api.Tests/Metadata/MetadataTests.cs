using System.Xml.Linq;

namespace NovaShim.Api.Tests.Metadata;

/// <summary>The metadata of servers: items, quota and keys, in both formats.</summary>
public sealed class MetadataTests : IAsyncLifetime
{
    private static readonly XNamespace Compute = "http://docs.openstack.org/compute/api/v1.1";

    private Face _face = null!;

    public async Task InitializeAsync() => _face = await Face.StartAsync(("quota:metadata_items", "2"));

    public Task DisposeAsync() => _face.DisposeAsync();

    [Theory]
    [InlineData("v1.1")]
    [InlineData("v2")]
    [InlineData("v2.1")]
    public async Task Items_are_set_shown_and_removed(string surface)
    {
        var at = $"{surface}:/servers/{(await _face.AddServerAsync("alice")).Uuid}/metadata";
        Assert.Equal("""{"metadata":{"a":"1"}}""", (await _face.SendAsync("alice", "POST", at, """{"metadata": {"a": "1"}}""")).Text);
        Assert.Equal("""{"metadata":{"a":"1","b":"2"}}""", (await _face.SendAsync("alice", "POST", at, """{"metadata": {"b": "2"}}""")).Text);
        Assert.Equal("""{"metadata":{"c":"3"}}""", (await _face.SendAsync("alice", "PUT", at, """{"metadata": {"c": "3"}}""")).Text);
        Assert.Equal("""{"meta":{"c":"4"}}""", (await _face.SendAsync("alice", "PUT", at + "/c", """{"meta": {"c": "4"}}""")).Text);
        Assert.Equal("""{"meta":{"c":"4"}}""", (await _face.SendAsync("alice", "GET", at + "/c")).Text);
        Assert.Equal((204, ""), await _face.SendAsync("alice", "DELETE", at + "/c") is var gone ? (gone.Status, gone.Text) : default);
        Assert.Equal(404, (await _face.SendAsync("alice", "DELETE", at + "/c")).Status);
        Assert.Equal(404, (await _face.SendAsync("alice", "GET", at + "/c")).Status);
        Assert.Equal("""{"metadata":{}}""", (await _face.SendAsync("alice", "GET", at)).Text);
        foreach (var (method, path, body) in new[] { ("GET", "", null), ("POST", "", """{"metadata": {}}"""), ("PUT", "", """{"metadata": {}}"""), ("GET", "/c", null), ("PUT", "/c", """{"meta": {"c": "4"}}"""), ("DELETE", "/c", null) })
        {
            Assert.Equal(404, (await _face.SendAsync("bob", method, at.Replace(surface + ":", surface + ":", StringComparison.Ordinal) + path, body)).Status);
        }
    }

    public static TheoryData<string, string, string, string, int, string> Refused => new()
    {
        { "v2.1", "POST", "", """{"metadata": {"a": "1", "b": "2", "c": "3"}}""", 403, "Maximum number of metadata items exceeds 2" },
        { "v1.1", "POST", "", """{"metadata": {"a": "1", "b": "2", "c": "3"}}""", 413, "Maximum number of metadata items exceeds 2" },
        { "v2.1", "POST", "", """{"metadata": {"a/b": "1"}}""", 400, "metadata.a/b" },
        { "v2.1", "POST", "", """{"metadata": {"é": "1"}}""", 400, "metadata.é" },
        { "v2.1", "POST", "", """{"metadata": {"": "1"}}""", 400, "metadata." },
        { "v1.1", "POST", "", """{"metadata": {"": "1"}}""", 400, "metadata." },
        { "v2.1", "POST", "", """{"metadata": {"@256": "1"}}""", 400, "metadata.kkk" },
        { "v1.1", "POST", "", """{"metadata": {"@256": "1"}}""", 413, "greater than 255" },
        { "v2.1", "POST", "", """{"metadata": {"a": "@256"}}""", 400, "metadata.a" },
        { "v1.1", "POST", "", """{"metadata": {"a": "@256"}}""", 413, "greater than 255" },
        { "v2.1", "PUT", "", """{"metadata": {"a": null}}""", 400, "metadata.a" },
        { "v2.1", "PUT", "", """{"metadata": null}""", 400, "metadata" },
        { "v1.1", "PUT", "", """{"meta": {}}""", 400, "metadata" },
        { "v1.1", "PUT", "/a", """{"meta": {"b": "1"}}""", 400, "Request body and URI mismatch" },
        { "v2.1", "PUT", "/a", """{"meta": {"a": "1", "b": "1"}}""", 400, "Request body contains too many items" },
        { "v2.1", "PUT", "/a", """{"metadata": {"a": "1"}}""", 400, "meta" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task What_cannot_be_is_refused_and_leaves_what_there_was(string surface, string method, string path, string body, int status, string names)
    {
        var server = await _face.AddServerAsync("alice", change: i => i with { Metadata = new Dictionary<string, string> { ["z"] = "before" } });
        var at = $"{surface}:/servers/{server.Uuid}/metadata";
        var reply = await _face.SendAsync("alice", method, at + path, body.Replace("@256", new string('k', 256), StringComparison.Ordinal));
        Assert.Equal(status, reply.Status);
        Assert.Contains(names, reply.Fault.Message, StringComparison.Ordinal);
        Assert.Equal("""{"metadata":{"z":"before"}}""", (await _face.SendAsync("alice", "GET", at)).Text);
    }

    [Fact]
    public async Task V1_1_takes_any_key_and_gives_it_back_in_XML()
    {
        var at = $"v1.1:/servers/{(await _face.AddServerAsync("alice")).Uuid}/metadata";
        var set = await _face.SendAsync("alice", "POST", at + ".xml", """<metadata><meta key="clé $(x) &lt;">v</meta></metadata>""", ("Content-Type", "application/xml"));
        Assert.Equal(200, set.Status);
        Assert.Equal(("clé $(x) <", "v"), XDocument.Parse(set.Text).Root!.Element(Compute + "meta") is { } meta ? ((string)meta.Attribute("key")!, meta.Value) : default);
        var over = await _face.SendAsync("alice", "POST", at + ".xml", """<metadata><meta key="a">1</meta><meta key="b">2</meta></metadata>""", ("Content-Type", "application/xml"));
        Assert.Equal((413, Compute + "overLimit"), (over.Status, XDocument.Parse(over.Text).Root!.Name));
        Assert.Equal(204, (await _face.SendAsync("alice", "DELETE", at + "/" + Uri.EscapeDataString("clé $(x) <"))).Status);
    }
}
