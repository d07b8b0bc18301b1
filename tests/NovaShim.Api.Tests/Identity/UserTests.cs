using System.Text.Json.Nodes;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Tests.Identity;

/// <summary>Users, projects and roles as administrators make and change them over the Identity API, and what becomes of tokens.</summary>
[Collection(SharedFace.Name)]
public sealed class UserTests(Face face)
{
    [Fact]
    public async Task A_user_is_made_put_into_a_project_logs_in_and_is_deleted()
    {
        var (name, userId, projectId) = await MakeAsync();
        var unscoped = await face.SendAsync(null, "POST", "/v3/auth/tokens", Face.PasswordBody(name, "secret").ToJsonString());
        Assert.Equal(201, unscoped.Status);
        Assert.Null(unscoped.Json!["token"]!["project"]);
        Assert.Null(unscoped.Json["token"]!["catalog"]);

        // A token without a project opens identity, and nothing else.
        (string, string) token = ("X-Auth-Token", unscoped.Headers["X-Subject-Token"]);
        Assert.Equal(403, (await face.SendAsync(null, "GET", "/v2.1/servers", null, token)).Status);
        Assert.Empty((await face.SendAsync(null, "GET", "/v3/auth/projects", null, token)).Json!["projects"]!.AsArray());
        Assert.Equal(401, (await LogInAsync(name, "secret", projectId)).Status);

        Assert.Equal(204, (await face.SendAsync("admin", "PUT", $"/v3/projects/{projectId}/users/{userId}/roles/member")).Status);
        Assert.Equal(204, (await face.SendAsync("admin", "HEAD", $"/v3/projects/{projectId}/users/{userId}/roles/member")).Status);
        Assert.Equal(projectId, (await face.SendAsync(null, "GET", "/identity/v3/auth/projects", null, token)).Json!["projects"]!.AsArray().Single()!["id"]!.GetValue<string>());
        var scoped = await LogInAsync(name, "secret", projectId);
        Assert.Equal((201, "member"), (scoped.Status, scoped.Json!["token"]!["roles"]!.AsArray().Single()!["name"]!.GetValue<string>()));
        (string, string) inProject = ("X-Auth-Token", scoped.Headers["X-Subject-Token"]);
        Assert.Equal(200, (await face.SendAsync(null, "GET", "/v2.1/servers", null, inProject)).Status);
        Assert.Equal(403, (await face.SendAsync(null, "GET", "/v3/users", null, inProject)).Status);
        Assert.Equal(200, (await face.SendAsync(null, "GET", $"/v3/users/{userId}", null, inProject)).Status);
        Assert.Equal(403, (await face.SendAsync(null, "GET", $"/v3/users/{Guid.NewGuid():N}", null, inProject)).Status);

        // From this moment the token is worth nothing, though nobody has revoked it.
        Assert.Equal(204, (await face.SendAsync("admin", "DELETE", $"/v3/projects/{projectId}/users/{userId}/roles/member")).Status);
        Assert.Equal(401, (await face.SendAsync(null, "GET", "/v2.1/servers", null, inProject)).Status);
        Assert.Equal(404, (await face.SendAsync("admin", "DELETE", $"/v3/projects/{projectId}/users/{userId}/roles/member")).Status);

        Assert.Equal(204, (await face.SendAsync("admin", "DELETE", $"/v3/users/{userId}")).Status);
        Assert.Equal(401, (await face.SendAsync(null, "GET", "/v3/auth/projects", null, token)).Status);
        Assert.Equal(404, (await face.SendAsync("admin", "GET", $"/v3/users/{userId}")).Status);
        Assert.Equal(204, (await face.SendAsync("admin", "DELETE", $"/v3/projects/{projectId}")).Status);
        Assert.Equal(404, (await face.SendAsync("admin", "GET", $"/v3/projects/{projectId}")).Status);
    }

    [Theory]
    [InlineData("""{"user": {"password": "another"}}""")]
    [InlineData("""{"user": {"enabled": false}}""")]
    public async Task A_new_password_and_being_shut_out_end_all_tokens(string change)
    {
        var (name, userId, projectId) = await MakeAsync();
        await face.SendAsync("admin", "PUT", $"/v3/projects/{projectId}/users/{userId}/roles/member");
        (string, string) token = ("X-Auth-Token", (await LogInAsync(name, "secret", projectId)).Headers["X-Subject-Token"]);
        Assert.Equal(200, (await face.SendAsync(null, "GET", "/v2.1/servers", null, token)).Status);
        Assert.Equal(200, (await face.SendAsync("admin", "PATCH", $"/v3/users/{userId}", change)).Status);
        Assert.Equal(401, (await face.SendAsync(null, "GET", "/v2.1/servers", null, token)).Status);
        Assert.Equal(401, (await LogInAsync(name, "secret", projectId)).Status);

        // Being let in again does not bring the old tokens back.
        Assert.Equal(200, (await face.SendAsync("admin", "PATCH", $"/v3/users/{userId}", """{"user": {"enabled": true, "password": "third"}}""")).Status);
        Assert.Equal(401, (await face.SendAsync(null, "GET", "/v2.1/servers", null, token)).Status);
        Assert.Equal(201, (await LogInAsync(name, "third", projectId)).Status);
    }

    [Fact]
    public async Task Users_change_their_own_password_by_telling_the_old_one()
    {
        var (name, userId, _) = await MakeAsync();
        (string, string) token = ("X-Auth-Token", (await face.SendAsync(null, "POST", "/v3/auth/tokens", Face.PasswordBody(name, "secret").ToJsonString())).Headers["X-Subject-Token"]);
        Assert.Equal(401, (await face.SendAsync(null, "POST", $"/v3/users/{userId}/password", """{"user": {"original_password": "wrong", "password": "new"}}""", token)).Status);
        Assert.Equal(204, (await face.SendAsync(null, "POST", $"/v3/users/{userId}/password", """{"user": {"original_password": "secret", "password": "new"}}""", token)).Status);
        Assert.Equal(401, (await face.SendAsync(null, "GET", $"/v3/users/{userId}", null, token)).Status);
        Assert.Equal(201, (await face.SendAsync(null, "POST", "/v3/auth/tokens", Face.PasswordBody(name, "new").ToJsonString())).Status);
    }

    [Fact]
    public async Task What_the_configuration_says_is_not_changed_by_anybody_else()
    {
        var alice = (await face.SendAsync("admin", "GET", "/v3/users?name=alice")).Json!["users"]!.AsArray().Single()!["id"]!.GetValue<string>();
        var alpha = face.ProjectIdOf("alice");
        foreach (var (method, path, body) in new[]
        {
            ("DELETE", $"/v3/users/{alice}", null), ("PATCH", $"/v3/users/{alice}", """{"user": {"password": "x"}}"""), ("DELETE", $"/v3/projects/{alpha}", null),
            ("PATCH", $"/v3/projects/{alpha}", """{"project": {"enabled": false}}"""), ("DELETE", $"/v3/projects/{alpha}/users/{alice}/roles/member", null),
        })
        {
            var refused = await face.SendAsync("admin", method, path, body);
            Assert.Equal(403, refused.Status);
            Assert.Contains("configuration", refused.Fault.Message, StringComparison.Ordinal);
        }
    }

    public static TheoryData<string, string, string?, int> BadRequests => new()
    {
        { "POST", "/v3/users", """{"user": {"password": "x"}}""", 400 },
        { "POST", "/v3/users", """{"user": {"name": ""}}""", 400 },
        { "POST", "/v3/users", """{"user": {"name": 5}}""", 400 },
        { "POST", "/v3/users", """{"user": {"name": "alice", "password": "x"}}""", 409 },
        { "POST", "/v3/users", """{"user": {"name": "x", "domain_id": "other"}}""", 404 },
        { "POST", "/v3/users", """{"user": {"name": "x", "default_project_id": "other"}}""", 404 },
        { "POST", "/v3/projects", """{"project": {"name": "alpha"}}""", 409 },
        { "POST", "/v3/projects", """{"project": {"name": "x", "is_domain": true}}""", 400 },
        { "POST", "/v3/projects", "{}", 400 },
        { "PATCH", "/v3/users/nobody", """{"user": {"name": "x"}}""", 404 },
        { "PATCH", "/v3/projects/nothing", """{"project": {"name": "x"}}""", 404 },
        { "DELETE", "/v3/users/nobody", null, 404 },
        { "DELETE", "/v3/projects/nothing", null, 404 },
        { "PUT", "/v3/projects/nothing/users/nobody/roles/member", null, 404 },
        { "PUT", "/v3/projects/nothing/users/nobody/roles/king", null, 404 },
        { "GET", "/v3/domains/other", null, 404 },
        { "GET", "/v3/roles/king", null, 404 },
        { "GET", "/v3/users?enabled=perhaps", null, 400 },
    };

    [Theory]
    [MemberData(nameof(BadRequests))]
    public async Task What_cannot_be_done_says_why(string method, string path, string? body, int status)
    {
        var reply = await face.SendAsync("admin", method, path, body);
        Assert.Equal((status, "error"), (reply.Status, reply.Fault.Name));
    }

    [Fact]
    public async Task Assignments_are_listed_with_and_without_names()
    {
        var (name, userId, projectId) = await MakeAsync();
        await face.SendAsync("admin", "PUT", $"/v3/projects/{projectId}/users/{userId}/roles/reader");
        var plain = (await face.SendAsync("admin", "GET", $"/v3/role_assignments?user.id={userId}")).Json!["role_assignments"]!.AsArray().Single()!;
        Assert.Equal(("reader", projectId, null), (plain["role"]!["id"]!.GetValue<string>(), plain["scope"]!["project"]!["id"]!.GetValue<string>(), plain["user"]!["name"]));
        var named = (await face.SendAsync("admin", "GET", $"/v3/role_assignments?scope.project.id={projectId}&include_names")).Json!["role_assignments"]!.AsArray().Single()!;
        Assert.Equal((name, "Default"), (named["user"]!["name"]!.GetValue<string>(), named["user"]!["domain"]!["name"]!.GetValue<string>()));
        Assert.Equal(["reader"], (await face.SendAsync("admin", "GET", $"/v3/projects/{projectId}/users/{userId}/roles")).Json!["roles"]!.AsArray().Select(r => r!["name"]!.GetValue<string>()));
        Assert.Equal(["admin", "member", "reader"], (await face.SendAsync("admin", "GET", "/v3/roles")).Json!["roles"]!.AsArray().Select(r => r!["name"]!.GetValue<string>()));
        Assert.Equal("default", (await face.SendAsync("admin", "GET", "/v3/domains?name=Default")).Json!["domains"]!.AsArray().Single()!["id"]!.GetValue<string>());
    }

    [Fact]
    public async Task Nobody_who_reads_the_store_has_a_password()
    {
        var users = await face.Store.Collection<UserDocument>().ListAsync(face.Store.Collection<UserDocument>().Query(), default);
        Assert.NotEmpty(users);
        Assert.All(users, u => Assert.Matches(@"^pbkdf2-sha512\$1000\$[A-Za-z0-9+/=]{24}\$[A-Za-z0-9+/=]{88}$", u.Password));
        Assert.Equal(users.Count, users.Select(u => u.Password).Distinct().Count());
        Assert.DoesNotContain(users, u => u.ToString().Contains("secret", StringComparison.Ordinal));
    }

    private async Task<(string Name, string UserId, string ProjectId)> MakeAsync()
    {
        var name = $"user-{Guid.NewGuid():N}";
        var user = await face.SendAsync("admin", "POST", "/v3/users", new JsonObject { ["user"] = new JsonObject { ["name"] = name, ["password"] = "secret" } }.ToJsonString());
        var project = await face.SendAsync("admin", "POST", "/identity/v3/projects", new JsonObject { ["project"] = new JsonObject { ["name"] = name } }.ToJsonString());
        Assert.Equal((201, 201), (user.Status, project.Status));
        return (name, user.Json!["user"]!["id"]!.GetValue<string>(), project.Json!["project"]!["id"]!.GetValue<string>());
    }

    private Task<Reply> LogInAsync(string name, string password, string projectId) => face.SendAsync(
        null, "POST", "/v3/auth/tokens", Face.PasswordBody(name, password, new JsonObject { ["project"] = new JsonObject { ["id"] = projectId } }).ToJsonString());
}
