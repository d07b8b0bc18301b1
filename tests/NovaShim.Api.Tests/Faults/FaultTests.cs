using System.Text.Json.Nodes;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Tests.Faults;

[Collection(SharedFace.Name)]
public sealed class FaultTests(Face face)
{
    [Fact]
    public void Faults_have_the_names_of_the_table()
    {
        foreach (var row in SpecTable.Rows("faults.json", "faults"))
        {
            var status = row["status"]!.GetValue<int>();
            Assert.Equal(row["v1.1"]!.GetValue<string>(), FaultNames.Of(Surface.V11, status));
            Assert.Equal(row["v1.1"]!.GetValue<string>(), FaultNames.Of(Surface.V2, status));

            // 401 is written in identity's form there, whatever name the status would have.
            Assert.Equal(row["v2.1"]!.GetValue<string>(), status == 401 ? "error" : FaultNames.Of(Surface.V21, status));
        }
    }

    public static TheoryData<string, string, string?, int> Requests => new()
    {
        { "GET", "/servers/no-such", null, 404 },
        { "GET", "/no/such/route", null, 404 },
        { "GET", "/flavors/m1.small", null, 404 },
        { "GET", "/images/no-such", null, 404 },
        { "PATCH", "/servers", "{}", 405 },
        { "DELETE", "/servers", null, 405 },
        { "PUT", "/flavors", "{}", 405 },
        { "PUT", "/servers/x/action", "{}", 405 },
        { "GET", "/os-migrations", null, 403 },
        { "GET", "/os-services", null, 403 },
        { "GET", "/os-hypervisors", null, 403 },
        { "GET", "/os-hypervisors/no-such", null, 403 },
        { "GET", "/os-availability-zone/detail", null, 403 },
        { "PUT", "/os-services/disable", "{", 403 },
        { "POST", "/servers", "{", 400 },
        { "POST", "/servers", "", 400 },
        { "POST", "/servers", "null", 400 },
        { "POST", "/servers", "{\"server\": {\"name\": \"a\" \"b\"}}", 400 },
        { "POST", "/servers", "{\"server\": {\"\\ud800\": 1}}", 400 },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Whatever_goes_wrong_is_a_fault_of_the_surface(string method, string path, string? body, int status)
    {
        var names = SpecTable.Rows("faults.json", "faults").Single(r => r["status"]!.GetValue<int>() == status);
        foreach (var surface in new[] { "v1.1", "v2.1" })
        {
            var reply = await face.SendAsync("alice", method, $"{surface}:{path}", body);
            Assert.True(status == reply.Status, $"{surface}: {reply.Status} {reply.Text}");
            Assert.Equal(names[surface]!.GetValue<string>(), reply.Fault.Name);
            Assert.NotEmpty(reply.Fault.Message);
        }
    }

    [Theory]
    [InlineData("application/atom+xml")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    public async Task A_body_of_another_type_is_refused(string type)
    {
        var reply = await face.SendAsync("alice", "POST", "v1.1:/servers", "<server/>", ("Content-Type", type));
        Assert.Equal((415, "badMediaType"), (reply.Status, reply.Fault.Name));
    }

    [Theory]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("application/vnd.openstack.compute-v1.1+json")]
    public async Task Every_name_of_JSON_is_read(string type)
    {
        var server = await face.AddServerAsync("alice");
        Assert.Equal(200, (await face.SendAsync("alice", "PUT", $"v1.1:/servers/{server.Uuid}", """{"server": {"name": "x"}}""", ("Content-Type", type))).Status);
    }

    [Fact]
    public async Task A_body_beyond_the_bounds_is_refused()
    {
        var server = await face.AddServerAsync("alice", "bounded");
        var large = await face.SendAsync("alice", "PUT", $"v2.1:/servers/{server.Uuid}", $$$"""{"server": {"name": "{{{new string('x', 120_000)}}}"}}""");
        Assert.Equal((413, "overLimit"), (large.Status, large.Fault.Name));
        var deep = await face.SendAsync("alice", "PUT", $"v2.1:/servers/{server.Uuid}", $"{{\"server\": {new string('[', 60)}{new string(']', 60)}}}");
        Assert.Equal(400, deep.Status);
        Assert.Equal("bounded", (await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}")).Json!["server"]!["name"]!.GetValue<string>());
    }

    [Fact]
    public async Task What_went_wrong_inside_stays_inside()
    {
        // The store is closed under the face: every route that needs it fails as it would in production.
        var broken = await Face.StartAsync();
        var token = await broken.LogInAsync("alice");
        await ((IAsyncDisposable)broken.Store).DisposeAsync();
        try
        {
            foreach (var path in new[] { "/v2.1/servers", "/v2.1/flavors", "/v3/auth/tokens" })
            {
                var reply = await broken.SendAsync(null, path.StartsWith("/v3", StringComparison.Ordinal) ? "POST" : "GET", path, Face.PasswordBody("alice", "alice's secret").ToJsonString(), ("X-Auth-Token", token));
                Assert.DoesNotContain("Exception", reply.Text, StringComparison.Ordinal);
                Assert.DoesNotContain("   at ", reply.Text, StringComparison.Ordinal);
            }
        }
        finally
        {
            await broken.DisposeAsync();
        }
    }

    [Fact]
    public async Task Health_needs_no_token()
    {
        var reply = await face.SendAsync(null, "GET", "/healthz");
        Assert.Equal((200, "ok"), (reply.Status, reply.Json!["status"]!.GetValue<string>()));
    }
}
