using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace NovaShim.Api.Tests.Identity;

/// <summary>Whose users they are: an external Keystone's, played here by a second face, or nobody's.</summary>
public sealed class ModeTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Keystones_tokens_open_compute_until_they_are_revoked(bool withServiceUser)
    {
        var keystone = await Face.StartAsync();
        (string, string)[] service = withServiceUser ? [("identity:keystone:username", "admin"), ("identity:keystone:password", "admin's secret"), ("identity:keystone:project", "admin")] : [];
        var face = await Face.StartAsync([("identity:mode", "keystone"), ("identity:keystone:url", $"{keystone.BaseUrl}/v3/"), ("identity:keystone:cache_seconds", "0.5"), .. service]);
        try
        {
            var secret = await keystone.LogInAsync("alice");
            (string, string) token = ("X-Auth-Token", secret);
            Assert.Equal(200, (await face.SendAsync(null, "GET", "/v2.1/servers", null, token)).Status);
            Assert.Equal(403, (await face.SendAsync(null, "GET", "/v2.1/os-migrations", null, token)).Status);
            Assert.Equal(200, (await face.SendAsync(null, "GET", "/v2.1/os-migrations", null, ("X-Auth-Token", await keystone.LogInAsync("admin")))).Status);
            Assert.Equal(400, (await face.SendAsync(null, "GET", $"/v1.1/{keystone.ProjectIdOf("bob")}/servers", null, token)).Status);
            var refused = await face.SendAsync(null, "GET", "/v2.1/servers", null, ("X-Auth-Token", "made-up"));
            Assert.Equal(401, refused.Status);
            Assert.Contains($"{keystone.BaseUrl}/v3", refused.Headers["WWW-Authenticate"], StringComparison.Ordinal);

            // Identity is not here.
            Assert.Equal(404, (await face.SendAsync(null, "GET", "/identity/v3")).Status);

            await keystone.SendAsync("alice", "DELETE", "/v3/auth/tokens", null, ("X-Subject-Token", secret));
            await UntilAsync(face, token, 401);
        }
        finally
        {
            await face.DisposeAsync();
            await keystone.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_login_of_2011_asks_Keystone()
    {
        var keystone = await Face.StartAsync();
        var face = await Face.StartAsync(("identity:mode", "keystone"), ("identity:keystone:url", $"{keystone.BaseUrl}/v3"));
        try
        {
            (string, string) user = ("X-Auth-User", "alice");
            (string, string) key = ("X-Auth-Key", "alice's secret");
            foreach (var project in new[] { null, "alpha", keystone.ProjectIdOf("alice") })
            {
                (string, string)[] headers = project is null ? [user, key] : [user, key, ("X-Auth-Project-Id", project)];
                var reply = await face.SendAsync(null, "GET", "/v1.1/", null, headers);
                Assert.Equal((204, $"{face.BaseUrl}/v1.1/{keystone.ProjectIdOf("alice")}"), (reply.Status, reply.Headers["X-Server-Management-Url"]));
                Assert.Equal(200, (await face.SendAsync(null, "GET", $"{reply.Headers["X-Server-Management-Url"]}/servers", null, ("X-Auth-Token", reply.Headers["X-Auth-Token"]))).Status);
            }

            Assert.Equal(401, (await face.SendAsync(null, "GET", "/v1.1/", null, user, ("X-Auth-Key", "no"))).Status);
            Assert.Equal(401, (await face.SendAsync(null, "GET", "/v1.1/", null, user, key, ("X-Auth-Project-Id", "beta"))).Status);
        }
        finally
        {
            await face.DisposeAsync();
            await keystone.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_Keystone_that_is_away_or_refuses_the_service_user_is_a_503_and_no_401()
    {
        var keystone = await Face.StartAsync();
        var away = await Face.StartAsync(("identity:mode", "keystone"), ("identity:keystone:url", $"http://127.0.0.1:{ClosedPort()}/v3"));
        var refused = await Face.StartAsync(
            ("identity:mode", "keystone"), ("identity:keystone:url", $"{keystone.BaseUrl}/v3"), ("identity:keystone:username", "nova"), ("identity:keystone:password", "wrong"));
        try
        {
            foreach (var face in new[] { away, refused })
            {
                foreach (var path in new[] { "/v2.1/servers", "/v1.1/t/servers" })
                {
                    var reply = await face.SendAsync(null, "GET", path, null, ("X-Auth-Token", "any"));
                    Assert.Equal((503, "serviceUnavailable"), (reply.Status, reply.Fault.Name));
                    Assert.Equal("5", reply.Headers["Retry-After"]);
                }
            }

            Assert.Equal(503, (await away.SendAsync(null, "GET", "/v1.1/", null, ("X-Auth-User", "alice"), ("X-Auth-Key", "alice's secret"))).Status);

            // No token at all is the client's own fault, whoever is away.
            Assert.Equal(401, (await away.SendAsync(null, "GET", "/v2.1/servers")).Status);
        }
        finally
        {
            await refused.DisposeAsync();
            await away.DisposeAsync();
            await keystone.DisposeAsync();
        }
    }

    [Fact]
    public async Task Without_authentication_everybody_is_who_they_say()
    {
        var face = await Face.StartAsync(("identity:mode", "noauth"));
        try
        {
            var reply = await face.SendAsync(null, "GET", "/v1.1/", null, ("X-Auth-User", "eve"), ("X-Auth-Key", "any"), ("X-Auth-Project-Id", "web"));
            Assert.Equal((204, "eve:web", $"{face.BaseUrl}/v1.1/web"), (reply.Status, reply.Headers["X-Auth-Token"], reply.Headers["X-Server-Management-Url"]));
            Assert.Equal("eve:eve", (await face.SendAsync(null, "GET", "/v1.1/", null, ("X-Auth-User", "eve"), ("X-Auth-Key", ""))).Headers["X-Auth-Token"]);
            Assert.Equal(200, (await face.SendAsync(null, "GET", "/v1.1/web/servers", null, ("X-Auth-Token", "eve:web"))).Status);
            Assert.Equal(400, (await face.SendAsync(null, "GET", "/v1.1/other/servers", null, ("X-Auth-Token", "eve:web"))).Status);

            // What a client sends that was told to send no token.
            Assert.Equal(200, (await face.SendAsync(null, "GET", "/v2.1/servers", null, ("X-Auth-Token", "notused"))).Status);
            Assert.Equal(403, (await face.SendAsync(null, "GET", "/v2.1/os-migrations", null, ("X-Auth-Token", "eve:web"))).Status);
            Assert.Equal(200, (await face.SendAsync(null, "GET", "/v2.1/os-migrations", null, ("X-Auth-Token", "admin:web"))).Status);
            Assert.Equal(401, (await face.SendAsync(null, "GET", "/v2.1/servers")).Status);
            Assert.Equal(401, (await face.SendAsync(null, "GET", "/v2.1/servers", null, ("X-Auth-Token", ":"))).Status);
            Assert.Equal(401, (await face.SendAsync(null, "GET", "/v2.1/servers", null, ("X-Auth-Token", "a/b:c"))).Status);

            // And what one sends that was told to log in as HTTP does.
            Assert.Equal(200, (await face.SendAsync(null, "GET", "/v1.1/eve/servers", null, ("Authorization", Basic("eve:any:key")))).Status);
            Assert.Equal(400, (await face.SendAsync(null, "GET", "/v1.1/web/servers", null, ("Authorization", Basic("eve:")))).Status);
            Assert.Equal(403, (await face.SendAsync(null, "GET", "/v2.1/os-migrations", null, ("Authorization", Basic("eve:admin")))).Status);
            Assert.Equal(200, (await face.SendAsync(null, "GET", "/v2.1/os-migrations", null, ("Authorization", Basic("admin:any")))).Status);
            Assert.Equal(401, (await face.SendAsync(null, "GET", "/v2.1/os-migrations", null, ("X-Auth-Token", ":"), ("Authorization", Basic("admin:any")))).Status);
            foreach (var refused in new[] { "Basic", "Basic ", "Basic !", "Bearer " + Basic("eve:any")[6..], Basic("eve"), Basic(":any"), Basic("a/b:c"), Basic("\u00e9:c"), Basic(new string('e', 256) + ":c") })
            {
                Assert.Equal(401, (await face.SendAsync(null, "GET", "/v2.1/servers", null, ("Authorization", refused))).Status);
            }
        }
        finally
        {
            await face.DisposeAsync();
        }
    }

    [Fact]
    public async Task With_authentication_a_name_is_no_token()
    {
        var face = await Face.StartAsync();
        try
        {
            Assert.Equal(401, (await face.SendAsync(null, "GET", "/v2.1/servers", null, ("Authorization", Basic("alice:alice's secret")))).Status);
        }
        finally
        {
            await face.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("http://0.0.0.0:8774", false)]
    [InlineData("http://127.0.0.1:0;http://+:8774", false)]
    [InlineData("http://cloud.example:8774", false)]
    [InlineData("http://127.0.0.1:8774", true)]
    [InlineData("http://localhost:8774;http://[::1]:8774", true)]
    public void Believing_everybody_is_refused_on_a_network(string urls, bool allowed)
    {
        if (allowed)
        {
            Configure(("identity:mode", "noauth"), ("api:urls", urls));
            return;
        }

        Assert.Contains("identity:noauth_anywhere", Assert.Throws<InvalidOperationException>(() => Configure(("identity:mode", "noauth"), ("api:urls", urls))).Message, StringComparison.Ordinal);
        Configure(("identity:mode", "noauth"), ("api:urls", urls), ("identity:noauth_anywhere", "true"));
    }

    [Theory]
    [InlineData("identity:mode", "ldap")]
    [InlineData("identity:password_iterations", "10")]
    [InlineData("identity:users:0:name", "alice")]
    public void A_wrong_setting_is_named(string key, string value) =>
        Assert.Contains(key[..key.LastIndexOf(':')], Assert.Throws<InvalidOperationException>(() => Configure((key, value))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("identity:keystone:url", "not a url")]
    [InlineData("identity:keystone:cache_seconds", "soon")]
    [InlineData("identity:keystone:cahce_seconds", "1")]
    public void A_wrong_setting_of_Keystone_is_named(string key, string value)
    {
        var settings = new Dictionary<string, string> { ["identity:mode"] = "keystone", ["identity:keystone:url"] = "http://127.0.0.1:1/v3", [key] = value };
        Assert.Contains(key, Assert.Throws<InvalidOperationException>(() => Configure([.. settings.Select(s => (s.Key, s.Value))])).Message, StringComparison.Ordinal);
    }

    private static string Basic(string credentials) => $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials))}";

    private static void Configure(params (string Key, string Value)[] settings) =>
        new ServiceCollection().AddNovaApi(new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))).Build());

    private static async Task UntilAsync(Face face, (string, string) token, int status)
    {
        var deadline = DateTime.UtcNow.AddSeconds(60);
        while ((await face.SendAsync(null, "GET", "/v2.1/servers", null, token)).Status != status)
        {
            Assert.True(DateTime.UtcNow < deadline, $"It does not come to {status}.");
            await Task.Delay(50);
        }
    }

    // Nobody listens on a port that has just been given back; the system hands out others first.
    private static int ClosedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
