using System.Text.Json.Nodes;
using System.Xml.Linq;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Tests.Servers;

[Collection(SharedFace.Name)]
public sealed class ExternalEventTests(Face face)
{
    [Fact]
    public async Task A_network_that_changed_is_told_to_the_VM()
    {
        var server = await face.AddServerAsync("alice");
        var reply = await face.SendAsync("admin", "POST", "v2.1:/os-server-external-events", $$$"""{"events": [{"name": "network-changed", "server_uuid": "{{{server.Uuid}}}", "tag": "t"}]}""");
        Assert.Equal((200, $$$"""{"events":[{"server_uuid":"{{{server.Uuid}}}","name":"network-changed","status":"completed","tag":"t","code":200}]}"""), (reply.Status, reply.Text));
        var told = (await face.Store.Collection<InstanceDocument>().GetAsync(server.Key, default))!;
        Assert.Equal(InstanceSteps.InjectNetworkInfo, told.Work!.Step);

        // Told again while that is under way: no more is to be done.
        Assert.Equal(200, (await face.SendAsync("admin", "POST", "v2.1:/os-server-external-events", $$$"""{"events": [{"name": "network-changed", "server_uuid": "{{{server.Uuid}}}"}]}""")).Status);
        Assert.Equal(told.Revision, (await face.Store.Collection<InstanceDocument>().GetAsync(server.Key, default))!.Revision);
    }

    [Theory]
    [InlineData("v1.1")]
    [InlineData("v2")]
    [InlineData("v2.1")]
    public async Task Each_event_says_what_became_of_it(string surface)
    {
        var server = await face.AddServerAsync("alice");
        var homeless = await face.AddServerAsync("alice", change: i => i with { Host = null });
        JsonObject Event(string uuid) => new() { ["name"] = "network-vif-plugged", ["server_uuid"] = uuid, ["status"] = "completed" };
        Task<Reply> TellAsync(params string[] uuids) => face.SendAsync(
            "admin", "POST", surface + ":/os-server-external-events", new JsonObject { ["events"] = new JsonArray([.. uuids.Select(Event)]) }.ToJsonString());
        var reply = await TellAsync(server.Uuid, homeless.Uuid, Face.ImageId);
        Assert.Equal(207, reply.Status);
        Assert.Equal(["completed 200", "failed 422", "failed 404"], reply.Json!["events"]!.AsArray().Select(e => $"{e!["status"]} {e["code"]}"));
        Assert.Equal(404, (await TellAsync(homeless.Uuid, Face.ImageId)).Status);
    }

    [Fact]
    public async Task The_same_in_XML()
    {
        var server = await face.AddServerAsync("alice");
        var reply = await face.SendAsync(
            "admin", "POST", "v1.1:/os-server-external-events.xml", $"""<events><event name="network-vif-plugged" server_uuid="{server.Uuid}"/></events>""", ("Content-Type", "application/xml"));
        Assert.Equal((200, "200"), (reply.Status, (string)XDocument.Parse(reply.Text).Root!.Elements().Single().Attribute("code")!));
    }

    [Theory]
    [InlineData("""{"events": []}""", "events")]
    [InlineData("""{"events": {}}""", "events")]
    [InlineData("""{}""", "events")]
    [InlineData("""{"events": [1]}""", "events[0]")]
    [InlineData("""{"events": [{"name": "network-changed"}]}""", "server_uuid")]
    [InlineData("""{"events": [{"name": "network-changed", "server_uuid": "x"}]}""", "server_uuid")]
    [InlineData("""{"events": [{"name": "birthday", "server_uuid": "70a599e0-31e7-49b7-b260-868f441e862b"}]}""", "name")]
    [InlineData("""{"events": [{"name": "network-changed", "status": "so so", "server_uuid": "70a599e0-31e7-49b7-b260-868f441e862b"}]}""", "status")]
    [InlineData("""{"events": [{"name": "network-changed", "tag": 1, "server_uuid": "70a599e0-31e7-49b7-b260-868f441e862b"}]}""", "tag")]
    [InlineData("""{"events": [{"name": "network-changed", "colour": 1, "server_uuid": "70a599e0-31e7-49b7-b260-868f441e862b"}]}""", "colour")]
    public async Task A_wrong_event_is_refused_by_the_name_of_its_field(string body, string said)
    {
        var reply = await face.SendAsync("admin", "POST", "v2.1:/os-server-external-events", body);
        Assert.Equal(400, reply.Status);
        Assert.Contains(said, reply.Fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_administrators_may_tell() => Assert.Equal(403, (await face.SendAsync("alice", "POST", "v2.1:/os-server-external-events", "{}")).Status);
}
