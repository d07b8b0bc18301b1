using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NovaShim.Api.Tests.Versions;

[Collection(SharedFace.Name)]
public sealed class DiscoveryTests(Face face)
{
    [Fact]
    public async Task The_root_lists_every_version_and_only_2_1_has_microversions()
    {
        var reply = await face.SendAsync(null, "GET", "/");
        Assert.Equal(200, reply.Status);
        var versions = reply.Json!["versions"]!.AsArray().ToDictionary(v => v!["id"]!.GetValue<string>());
        Assert.Equal(["v1.1", "v2.0", "v2.1"], versions.Keys.Order());
        Assert.Equal(("", ""), (versions["v1.1"]!["version"]!.GetValue<string>(), versions["v1.1"]!["min_version"]!.GetValue<string>()));
        Assert.Equal(("2.1", "2.1"), (versions["v2.1"]!["version"]!.GetValue<string>(), versions["v2.1"]!["min_version"]!.GetValue<string>()));
        Assert.Equal($"{face.BaseUrl}/v2.1/", versions["v2.1"]!["links"]![0]!["href"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("/v1.1", "v1.1", "")]
    [InlineData("/v1.1/", "v1.1", "")]
    [InlineData("/v2/", "v2.0", "")]
    [InlineData("/v2.1", "v2.1", "2.1")]
    [InlineData("/v2.1//", "v2.1", "2.1")]
    [InlineData("/v2.1/?fresh=0.1", "v2.1", "2.1")]
    public async Task A_version_shows_itself_at_its_root(string path, string id, string microversion)
    {
        var reply = await face.SendAsync(null, "GET", path);
        Assert.Equal(200, reply.Status);
        var version = reply.Json!["version"]!;
        Assert.Equal(id, version["id"]!.GetValue<string>());
        Assert.Equal("CURRENT", id == "v2.0" ? "CURRENT" : version["status"]!.GetValue<string>());
        Assert.Equal(microversion, version["version"]!.GetValue<string>());
        Assert.Equal(microversion, version["min_version"]!.GetValue<string>());
        Assert.NotEmpty(version["media-types"]!.AsArray());
    }

    [Theory]
    [InlineData("/v1.1/some-tenant")]
    [InlineData("/v2/some-tenant")]
    [InlineData("/v2.1/some-tenant")]
    [InlineData("/v2.1/nothing/here")]
    public async Task Below_a_version_what_is_not_there_is_a_404_and_never_a_300(string path)
    {
        var reply = await face.SendAsync("alice", "GET", path);
        Assert.Equal((404, "itemNotFound"), (reply.Status, reply.Fault.Name));
    }

    [Fact]
    public async Task A_path_without_a_version_answers_where_it_could_be_found()
    {
        var reply = await face.SendAsync(null, "GET", "/some-tenant/servers/1");
        Assert.Equal(300, reply.Status);
        var hrefs = reply.Json!["choices"]!.AsArray().Select(c => c!["links"]![0]!["href"]!.GetValue<string>());
        Assert.Contains($"{face.BaseUrl}/v1.1/some-tenant/servers/1", hrefs);
    }

    [Fact]
    public async Task Every_answer_carries_a_request_id_and_2_1_its_microversion()
    {
        foreach (var path in new[] { "/", "/v1.1/", "/v2.1/", "/v2.1/servers", "/nowhere", "/v3", "/image" })
        {
            var reply = await face.SendAsync(null, "GET", path);
            Assert.Matches("^req-[0-9a-f-]{36}$", reply.Headers["x-openstack-request-id"]);
            Assert.Equal(reply.Headers["x-openstack-request-id"], reply.Headers["x-compute-request-id"]);
            Assert.Equal(path.StartsWith("/v2.1", StringComparison.Ordinal), reply.Headers.ContainsKey("X-OpenStack-Nova-API-Version"));
        }

        Assert.Equal("2.1", (await face.SendAsync(null, "GET", "/v2.1/")).Headers["X-OpenStack-Nova-API-Version"]);
    }

    [Theory]
    [InlineData("X-OpenStack-Nova-API-Version", "2.1", 200)]
    [InlineData("X-OpenStack-Nova-API-Version", "latest", 200)]
    [InlineData("X-OpenStack-Nova-API-Version", "2.79", 406)]
    [InlineData("OpenStack-API-Version", "compute 2.30", 406)]
    [InlineData("OpenStack-API-Version", "volume 3.30", 200)]
    [InlineData("X-OpenStack-Nova-API-Version", "two", 400)]
    public async Task Another_microversion_than_2_1_is_refused(string header, string value, int status) =>
        Assert.Equal(status, (await face.SendAsync("alice", "GET", "v2.1:/servers", null, (header, value))).Status);

    [Theory]
    [InlineData("v1.1:/servers", "Accept", "application/json", 200)]
    [InlineData("v1.1:/servers", "Accept", "application/xml, application/json", 200)]
    [InlineData("v2:/servers", "Accept", "application/xml", 406)]
    [InlineData("v2:/servers", "Accept", "application/json;q=0.5, application/vnd.openstack.compute-v1.1+xml", 406)]
    [InlineData("v2:/servers.xml", "Accept", "application/json", 406)]
    [InlineData("v1.1:/servers.json", "Accept", "application/xml", 200)]
    [InlineData("v2.1:/servers", "Accept", "application/xml", 200)]
    public async Task A_format_that_cannot_be_answered_is_refused_rather_than_answered_in_another(string path, string header, string value, int status) =>
        Assert.Equal(status, (await face.SendAsync("alice", "GET", path, null, (header, value))).Status);

    [Fact]
    public async Task A_client_that_asks_to_close_is_told_that_the_connection_closes()
    {
        using var client = new TcpClient();
        var address = new Uri(face.BaseUrl);
        await client.ConnectAsync(IPAddress.Loopback, address.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET /v2.1/ HTTP/1.1\r\nHost: {address.Authority}\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var all = await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Contains("\r\nConnection: close\r\n", all, StringComparison.OrdinalIgnoreCase);
    }
}
