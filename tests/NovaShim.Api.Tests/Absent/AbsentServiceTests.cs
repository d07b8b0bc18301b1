using System.Xml.Linq;

namespace NovaShim.Api.Tests.Absent;

[Collection(SharedFace.Name)]
public sealed class AbsentServiceTests(Face face)
{
    private static readonly XNamespace Compute = "http://docs.openstack.org/compute/api/v1.1";

    public static TheoryData<string, string> Routes
    {
        get
        {
            var routes = new TheoryData<string, string>();
            foreach (var route in new[]
            {
                "GET /os-networks", "GET /os-networks/1", "GET /os-tenant-networks", "POST /os-tenant-networks", "GET /os-tenant-networks/1", "DELETE /os-tenant-networks/1", "GET /os-floating-ips",
                "POST /os-floating-ips", "GET /os-floating-ips/1", "DELETE /os-floating-ips/1", "GET /os-floating-ip-pools",
                "GET /os-volumes",
                "GET /os-volumes/detail", "POST /os-volumes", "GET /os-volumes/1", "DELETE /os-volumes/1", "GET /os-snapshots", "GET /os-snapshots/detail", "POST /os-snapshots", "GET /os-snapshots/1",
                "DELETE /os-snapshots/1", "GET /os-floating-ip-dns", "POST /os-certificates", "GET /os-certificates/root",
            })
            {
                routes.Add(route.Split(' ')[0], route.Split(' ')[1]);
            }

            return routes;
        }
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task What_needs_another_service_is_not_implemented_and_says_so(string method, string path)
    {
        foreach (var surface in new[] { "v1.1", "v2", "v2.1" })
        {
            var reply = await face.SendAsync("alice", method, $"{surface}:{path}", method is "POST" or "PUT" ? "{}" : null);
            Assert.Equal((501, "notImplemented", "The requested functionality is not supported."), (reply.Status, reply.Fault.Name, reply.Fault.Message));
        }

        var xml = await face.SendAsync("alice", method, $"v1.1:{path}.xml");
        Assert.Equal((501, Compute + "notImplemented"), (xml.Status, XDocument.Parse(xml.Text).Root!.Name));
        Assert.Equal(401, (await face.SendAsync(null, method, "/v2.1" + path)).Status);
    }

    [Theory]
    [InlineData("POST", "/os-networks")]
    [InlineData("DELETE", "/os-networks/1")]
    [InlineData("POST", "/os-networks/1/action")]
    [InlineData("POST", "/os-networks/add")]
    [InlineData("GET", "/os-fixed-ips/10.0.0.2")]
    [InlineData("POST", "/os-fixed-ips/10.0.0.2/action")]
    [InlineData("GET", "/os-cells")]
    [InlineData("DELETE", "/os-cells/c")]
    [InlineData("GET", "/os-cloudpipe")]
    [InlineData("GET", "/os-floating-ips-bulk")]
    public async Task Administrators_routes_are_forbidden_before_they_are_not_implemented(string method, string path)
    {
        Assert.Equal(403, (await face.SendAsync("alice", method, "v2.1:" + path, method == "POST" ? "{}" : null)).Status);
        Assert.Equal(501, (await face.SendAsync("admin", method, "v2.1:" + path, method == "POST" ? "{}" : null)).Status);
    }

    [Theory]
    [InlineData("GET", "os-security-groups", 200)]
    [InlineData("GET", "os-virtual-interfaces", 501)]
    [InlineData("GET", "os-interface", 501)]
    [InlineData("POST", "os-interface", 501)]
    [InlineData("GET", "os-interface/1", 501)]
    [InlineData("DELETE", "os-interface/1", 501)]
    [InlineData("GET", "os-volume_attachments", 200)]
    [InlineData("POST", "os-volume_attachments", 404)]
    [InlineData("GET", "os-volume_attachments/7", 404)]
    [InlineData("DELETE", "os-volume_attachments/7", 404)]
    public async Task Of_a_server_it_is_first_asked_whose_it_is(string method, string path, int status)
    {
        var server = await face.AddServerAsync("alice");
        var body = method == "POST" ? """{"volumeAttachment": {"volumeId": "6c8fe9a5-3c8f-4c2e-8c7b-2f51a4a9d4a1"}}""" : null;
        foreach (var surface in new[] { "v1.1", "v2.1" })
        {
            Assert.Equal(status, (await face.SendAsync("alice", method, $"{surface}:/servers/{server.Uuid}/{path}", body)).Status);
            Assert.Equal((404, $"Instance {server.Uuid} could not be found."), await face.SendAsync("bob", method, $"{surface}:/servers/{server.Uuid}/{path}", body) is var r ? (r.Status, r.Fault.Message) : default);
        }
    }

    [Fact]
    public async Task A_server_has_no_volumes_and_none_can_be_found()
    {
        var server = await face.AddServerAsync("alice");
        var path = $"/servers/{server.Uuid}/os-volume_attachments";
        Assert.Empty((await face.SendAsync("alice", "GET", "v2.1:" + path)).Json!["volumeAttachments"]!.AsArray());
        Assert.Equal(Compute + "volumeAttachments", XDocument.Parse((await face.SendAsync("alice", "GET", "v1.1:" + path + ".xml")).Text).Root!.Name);
        var named = await face.SendAsync("alice", "POST", "v2.1:" + path, """{"volumeAttachment": {"volumeId": "no uuid"}}""");
        Assert.Equal(400, named.Status);
        Assert.Contains("volumeAttachment.volumeId", named.Fault.Message, StringComparison.Ordinal);
        Assert.Equal(400, (await face.SendAsync("alice", "POST", "v1.1:" + path, "{}")).Status);
        Assert.Equal(403, (await face.SendAsync("alice", "PUT", $"v2.1:{path}/7", """{"volumeAttachment": {"volumeId": "6c8fe9a5-3c8f-4c2e-8c7b-2f51a4a9d4a1"}}""")).Status);
        Assert.Equal(404, (await face.SendAsync("admin", "PUT", $"v2.1:{path}/7", """{"volumeAttachment": {"volumeId": "6c8fe9a5-3c8f-4c2e-8c7b-2f51a4a9d4a1"}}""")).Status);
    }
}
