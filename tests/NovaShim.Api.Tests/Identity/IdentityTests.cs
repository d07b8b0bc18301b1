using System.Text.Json.Nodes;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Tests.Identity;

[Collection(SharedFace.Name)]
public sealed class IdentityTests(Face face)
{
    [Theory]
    [InlineData("/v3")]
    [InlineData("/v3/")]
    [InlineData("/identity/v3")]
    public async Task Version_3_shows_itself(string path)
    {
        var reply = await face.SendAsync(null, "GET", path);
        Assert.Equal(200, reply.Status);
        Assert.StartsWith("v3.", reply.Json!["version"]!["id"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("stable", reply.Json["version"]!["status"]!.GetValue<string>());
    }

    [Fact]
    public async Task The_root_of_identity_lists_its_versions_in_identitys_form()
    {
        var reply = await face.SendAsync(null, "GET", "/identity");
        Assert.Equal(300, reply.Status);
        Assert.Equal($"{face.BaseUrl}/identity/v3/", reply.Json!["versions"]!["values"]![0]!["links"]![0]!["href"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_token_comes_with_user_project_roles_and_catalog()
    {
        var reply = await face.SendAsync(null, "POST", "/v3/auth/tokens", Face.PasswordBody("alice", "alice's secret").ToJsonString());
        Assert.Equal(201, reply.Status);
        Assert.True(reply.Headers["X-Subject-Token"].Length >= 43);
        var token = reply.Json!["token"]!;
        Assert.Equal("alpha", token["project"]!["name"]!.GetValue<string>());
        Assert.Equal("default", token["project"]!["domain"]!["id"]!.GetValue<string>());
        Assert.Equal("member", token["roles"]![0]!["name"]!.GetValue<string>());
        Assert.True(DateTimeOffset.Parse(token["expires_at"]!.GetValue<string>(), System.Globalization.CultureInfo.InvariantCulture) > DateTimeOffset.UtcNow.AddHours(23));
        var project = token["project"]!["id"]!.GetValue<string>();
        var urls = token["catalog"]!.AsArray().ToDictionary(s => s!["type"]!.GetValue<string>(), s => s!["endpoints"]!.AsArray());
        Assert.Equal($"{face.BaseUrl}/v2.1", urls["compute"][0]!["url"]!.GetValue<string>());
        Assert.Equal($"{face.BaseUrl}/v2/{project}", urls["compute_legacy"][0]!["url"]!.GetValue<string>());
        Assert.Equal($"{face.BaseUrl}/v1.1/{project}", urls["nova_v11"][0]!["url"]!.GetValue<string>());
        Assert.Equal($"{face.BaseUrl}/image", urls["image"][0]!["url"]!.GetValue<string>());
        Assert.Equal(["public", "internal", "admin"], urls["identity"].Select(e => e!["interface"]!.GetValue<string>()));
        Assert.All(urls["identity"], e => Assert.Equal("RegionOne", e!["region"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Nobody_who_reads_the_store_has_a_token()
    {
        var secret = await face.LogInAsync("alice");
        var tokens = face.Store.Collection<TokenDocument>();
        var stored = await tokens.ListAsync(tokens.Query(), default);
        Assert.NotEmpty(stored);
        Assert.DoesNotContain(stored, t => t.ToString().Contains(secret, StringComparison.Ordinal));
        Assert.All(stored, t => Assert.Matches("^[0-9a-f]{64}$", t.Key));
    }

    public static TheoryData<string, int> Scopes => new()
    {
        { """{"project": {"name": "alpha", "domain": {"name": "Default"}}}""", 201 },
        { """{"project": {"name": "alpha", "domain": {"id": "default"}}}""", 201 },
        { """{"project": {"id": "@alpha"}}""", 201 },
        { """{"project": {"name": "beta", "domain": {"name": "Default"}}}""", 401 },
        { """{"project": {"name": "alpha", "domain": {"name": "Elsewhere"}}}""", 401 },
        { """{"domain": {"id": "default"}}""", 401 },
        { """{"project": {}}""", 400 },
    };

    [Theory]
    [MemberData(nameof(Scopes))]
    public async Task A_scope_is_the_users_own_project_by_id_or_by_name_and_domain(string scope, int status)
    {
        var asked = JsonNode.Parse(scope.Replace("@alpha", face.ProjectIdOf("alice"), StringComparison.Ordinal))!.AsObject();
        Assert.Equal(status, (await face.SendAsync(null, "POST", "/identity/v3/auth/tokens", Face.PasswordBody("alice", "alice's secret", asked).ToJsonString())).Status);
    }

    public static TheoryData<string, int> BadLogins => new()
    {
        { """{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "alice", "domain": {"id": "default"}, "password": "wrong"}}}}}""", 401 },
        { """{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "nobody", "domain": {"id": "default"}, "password": "wrong"}}}}}""", 401 },
        { """{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "alice", "domain": {"name": "x"}, "password": "alice's secret"}}}}}""", 401 },
        { """{"auth": {"identity": {"methods": ["token"], "token": {"id": "made-up"}}}}""", 401 },
        { """{"auth": {"identity": {"methods": ["oauth1"]}}}""", 401 },
        { """{"auth": {"identity": {"methods": "password"}}}""", 400 },
        { """{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "alice"}}}}}""", 400 },
        { """{"auth": 1}""", 400 },
        { "{}", 400 },
    };

    [Theory]
    [MemberData(nameof(BadLogins))]
    public async Task A_bad_login_is_refused_in_identitys_form(string body, int status)
    {
        var reply = await face.SendAsync(null, "POST", "/v3/auth/tokens", body);
        Assert.Equal((status, "error"), (reply.Status, reply.Fault.Name));
    }

    [Fact]
    public async Task A_token_is_worth_another_that_lives_no_longer()
    {
        var first = await face.SendAsync(null, "POST", "/v3/auth/tokens", Face.PasswordBody("alice", "alice's secret").ToJsonString());
        var body = """{"auth": {"identity": {"methods": ["token"], "token": {"id": "@"}}, "scope": {"project": {"name": "alpha", "domain": {"id": "default"}}}}}""";
        var second = await face.SendAsync(null, "POST", "/v3/auth/tokens", body.Replace("@", first.Headers["X-Subject-Token"], StringComparison.Ordinal));
        Assert.Equal(201, second.Status);
        Assert.Equal(first.Json!["token"]!["expires_at"]!.GetValue<string>()[..23], second.Json!["token"]!["expires_at"]!.GetValue<string>()[..23]);
    }

    [Fact]
    public async Task A_token_can_be_validated_by_its_user_and_by_an_administrator_and_is_not_there_for_others()
    {
        var secret = await face.LogInAsync("alice");
        Assert.Equal(200, (await face.SendAsync("alice", "GET", "/v3/auth/tokens", null, ("X-Subject-Token", secret))).Status);
        Assert.Equal(200, (await face.SendAsync("admin", "HEAD", "/v3/auth/tokens", null, ("X-Subject-Token", secret))).Status);
        Assert.Equal(404, (await face.SendAsync("bob", "GET", "/v3/auth/tokens", null, ("X-Subject-Token", secret))).Status);
        Assert.Equal(400, (await face.SendAsync("bob", "GET", "/v3/auth/tokens")).Status);
    }

    [Fact]
    public async Task A_revoked_token_opens_nothing()
    {
        var secret = await face.LogInAsync("alice");
        Assert.Equal(200, (await face.SendAsync(null, "GET", "/v2.1/servers", null, ("X-Auth-Token", secret))).Status);
        Assert.Equal(204, (await face.SendAsync(null, "DELETE", "/v3/auth/tokens", null, ("X-Auth-Token", secret), ("X-Subject-Token", secret))).Status);
        Assert.Equal(401, (await face.SendAsync(null, "GET", "/v2.1/servers", null, ("X-Auth-Token", secret))).Status);
    }

    [Fact]
    public async Task Version_2_0_hands_out_tokens_that_work()
    {
        var reply = await face.SendAsync(null, "POST", "/v2.0/tokens", """{"auth": {"passwordCredentials": {"username": "alice", "password": "alice's secret"}, "tenantName": "alpha"}}""");
        Assert.Equal(200, reply.Status);
        var access = reply.Json!["access"]!;
        Assert.Equal(face.ProjectIdOf("alice"), access["token"]!["tenant"]!["id"]!.GetValue<string>());
        Assert.Equal($"{face.BaseUrl}/v2.1", access["serviceCatalog"]![0]!["endpoints"]![0]!["publicURL"]!.GetValue<string>());
        Assert.Equal(200, (await face.SendAsync(null, "GET", "/v2.1/servers", null, ("X-Auth-Token", access["token"]!["id"]!.GetValue<string>()))).Status);
        Assert.Equal(401, (await face.SendAsync(null, "POST", "/v2.0/tokens", """{"auth": {"passwordCredentials": {"username": "alice", "password": "no"}, "tenantName": "alpha"}}""")).Status);
        Assert.Equal(401, (await face.SendAsync(null, "POST", "/v2.0/tokens", """{"auth": {"passwordCredentials": {"username": "alice", "password": "alice's secret"}, "tenantName": "beta"}}""")).Status);
    }

    [Fact]
    public async Task The_login_of_2011_answers_by_headers()
    {
        var reply = await face.SendAsync(null, "GET", "/v1.1/", null, ("X-Auth-User", "alice"), ("X-Auth-Key", "alice's secret"), ("X-Auth-Project-Id", "alpha"));
        Assert.Equal((204, ""), (reply.Status, reply.Text));
        Assert.Equal($"{face.BaseUrl}/v1.1/{face.ProjectIdOf("alice")}", reply.Headers["X-Server-Management-Url"]);
        Assert.Equal("", reply.Headers["X-Storage-Url"]);
        var servers = await face.SendAsync(null, "GET", $"{reply.Headers["X-Server-Management-Url"]}//servers/detail?fresh=1.5", null, ("X-Auth-Token", reply.Headers["X-Auth-Token"]), ("X-Auth-Project-Id", "alpha"));
        Assert.Equal(200, servers.Status);
        var wrong = await face.SendAsync(null, "GET", "/v1.1/", null, ("X-Auth-User", "alice"), ("X-Auth-Key", "no"));
        Assert.Equal((401, "unauthorized"), (wrong.Status, wrong.Fault.Name));
        Assert.Equal(401, (await face.SendAsync(null, "GET", "/v1.1/", null, ("X-Auth-User", "alice"), ("X-Auth-Key", "alice's secret"), ("X-Auth-Project-Id", "beta"))).Status);
    }

    [Theory]
    [InlineData("/v2.1/servers", "error")]
    [InlineData("/v1.1/x/servers", "unauthorized")]
    [InlineData("/image/v2/images", "error")]
    [InlineData("/odata/v1/Migrations", "error")]
    public async Task Without_a_token_nothing_is_shown(string path, string fault)
    {
        foreach (var token in new[] { "", "made-up", new string('x', 5000) })
        {
            var reply = await face.SendAsync(null, "GET", path, null, ("X-Auth-Token", token));
            Assert.Equal((401, fault), (reply.Status, reply.Fault.Name));
            Assert.Contains("Keystone", reply.Headers["WWW-Authenticate"], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_token_ends()
    {
        var brief = await Face.StartAsync(("identity:token_hours", "0.0001"));
        try
        {
            var secret = await brief.LogInAsync("alice");
            var deadline = DateTime.UtcNow.AddSeconds(30);
            while ((await brief.SendAsync(null, "GET", "/v2.1/servers", null, ("X-Auth-Token", secret))).Status != 401)
            {
                Assert.True(DateTime.UtcNow < deadline, "The token has not ended.");
                await Task.Delay(50);
            }
        }
        finally
        {
            await brief.DisposeAsync();
        }
    }

    [Fact]
    public async Task Only_a_configured_proxy_is_believed_about_where_clients_come_in()
    {
        (string, string)[] headers = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "cloud.example"), ("X-Forwarded-Prefix", "/nova")];
        var unbelieved = await face.SendAsync(null, "GET", "/v2.1", null, headers);
        Assert.Equal($"{face.BaseUrl}/v2.1/", unbelieved.Json!["version"]!["links"]![0]!["href"]!.GetValue<string>());
        var behind = await Face.StartAsync(("api:trusted_proxies:0", "127.0.0.1"));
        try
        {
            var believed = await behind.SendAsync(null, "GET", "/v2.1", null, headers);
            Assert.Equal("https://cloud.example/nova/v2.1/", believed.Json!["version"]!["links"]![0]!["href"]!.GetValue<string>());
        }
        finally
        {
            await behind.DisposeAsync();
        }
    }
}
