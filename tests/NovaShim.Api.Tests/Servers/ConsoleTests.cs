using System.Xml.Linq;

namespace NovaShim.Api.Tests.Servers;

[Collection(SharedFace.Name)]
public sealed class ConsoleTests(Face face)
{
    [Fact]
    public async Task No_server_has_a_console_of_a_proxy()
    {
        var server = await face.AddServerAsync("alice");
        var at = $"/servers/{server.Uuid}/consoles";
        Assert.Equal("""{"consoles":[]}""", (await face.SendAsync("alice", "GET", "v2.1:" + at)).Text);
        Assert.Empty(XDocument.Parse((await face.SendAsync("alice", "GET", $"v1.1:{at}.xml")).Text).Root!.Elements());
        Assert.Equal(501, (await face.SendAsync("alice", "POST", "v2.1:" + at, "{}")).Status);
        Assert.Equal(404, (await face.SendAsync("alice", "GET", $"v2.1:{at}/1")).Status);
        Assert.Equal(404, (await face.SendAsync("alice", "DELETE", $"v2.1:{at}/1")).Status);
        Assert.Equal(404, (await face.SendAsync("bob", "GET", "v2.1:" + at)).Status);
        Assert.Equal(404, (await face.SendAsync("bob", "POST", "v2.1:" + at, "{}")).Status);
    }
}
