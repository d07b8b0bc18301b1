using System.Text.Json.Nodes;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Identity;

namespace NovaShim.Cli;

/// <summary>What the commands do to users and tenants, wherever these are: at a running program, or in the store of a configuration.</summary>
internal interface IUserBook
{
    Task<JsonArray> UsersAsync(CancellationToken cancellation);

    Task<JsonArray> ProjectsAsync(CancellationToken cancellation);

    Task CreateUserAsync(string name, string password, string project, bool admin, CancellationToken cancellation);

    Task CreateProjectAsync(string name, string description, CancellationToken cancellation);

    Task DeleteUserAsync(string nameOrId, CancellationToken cancellation);

    Task DeleteProjectAsync(string nameOrId, CancellationToken cancellation);

    Task SetPasswordAsync(string nameOrId, string password, CancellationToken cancellation);
}

/// <summary>At a running program, over its Identity API.</summary>
internal sealed class RunningUserBook(AdminClient client) : IUserBook
{
    private const string Root = "/identity/v3";

    public async Task<JsonArray> UsersAsync(CancellationToken cancellation)
    {
        var users = await RowsAsync("users", "users", cancellation);
        var assignments = await RowsAsync("role_assignments?include_names", "role_assignments", cancellation);
        foreach (var user in users.OfType<JsonObject>())
        {
            user["roles"] = string.Join(", ", assignments.Where(a => a!["user"]!["id"]!.ToString() == user["id"]!.ToString()).Select(a => $"{a!["role"]!["name"]} in {a["scope"]!["project"]!["name"]}"));
        }

        return users;
    }

    public Task<JsonArray> ProjectsAsync(CancellationToken cancellation) => RowsAsync("projects", "projects", cancellation);

    public async Task CreateUserAsync(string name, string password, string project, bool admin, CancellationToken cancellation)
    {
        // In this order a user is never in a tenant that is not there; run again, it goes on where it stopped.
        var projectId = await IdOfAsync("projects", project, cancellation)
            ?? (await client.SendAsync(HttpMethod.Post, $"{Root}/projects", new JsonObject { ["project"] = new JsonObject { ["name"] = project } }, cancellation))!["project"]!["id"]!.ToString();
        var user = new JsonObject { ["name"] = name, ["password"] = password, ["default_project_id"] = projectId };
        var userId = (await client.SendAsync(HttpMethod.Post, $"{Root}/users", new JsonObject { ["user"] = user }, cancellation))!["user"]!["id"]!.ToString();
        foreach (var role in UserRoles.Of(admin))
        {
            await client.SendAsync(HttpMethod.Put, $"{Root}/projects/{projectId}/users/{userId}/roles/{role}", body: null, cancellation);
        }
    }

    public Task CreateProjectAsync(string name, string description, CancellationToken cancellation) =>
        client.SendAsync(HttpMethod.Post, $"{Root}/projects", new JsonObject { ["project"] = new JsonObject { ["name"] = name, ["description"] = description } }, cancellation);

    public async Task DeleteUserAsync(string nameOrId, CancellationToken cancellation) =>
        await client.SendAsync(HttpMethod.Delete, $"{Root}/users/{await RequireAsync("users", "user", nameOrId, cancellation)}", body: null, cancellation);

    public async Task DeleteProjectAsync(string nameOrId, CancellationToken cancellation) =>
        await client.SendAsync(HttpMethod.Delete, $"{Root}/projects/{await RequireAsync("projects", "project", nameOrId, cancellation)}", body: null, cancellation);

    public async Task SetPasswordAsync(string nameOrId, string password, CancellationToken cancellation) =>
        await client.SendAsync(
            HttpMethod.Patch, $"{Root}/users/{await RequireAsync("users", "user", nameOrId, cancellation)}", new JsonObject { ["user"] = new JsonObject { ["password"] = password } }, cancellation);

    private async Task<JsonArray> RowsAsync(string path, string key, CancellationToken cancellation) =>
        (await client.SendAsync(HttpMethod.Get, $"{Root}/{path}", body: null, cancellation))?[key] as JsonArray ?? [];

    private async Task<string> RequireAsync(string collection, string kind, string nameOrId, CancellationToken cancellation) =>
        await IdOfAsync(collection, nameOrId, cancellation) ?? throw new InvalidOperationException($"There is no {kind} {nameOrId}.");

    private async Task<string?> IdOfAsync(string collection, string nameOrId, CancellationToken cancellation) =>
        (await RowsAsync(collection, collection, cancellation)).FirstOrDefault(r => r!["name"]!.ToString() == nameOrId || r["id"]!.ToString() == nameOrId)?["id"]!.ToString();
}

/// <summary>In a store that no program has open, or that several share.</summary>
internal sealed class StoredUserBook(UserDirectory directory) : IUserBook
{
    public async Task<JsonArray> UsersAsync(CancellationToken cancellation)
    {
        var projects = (await directory.Projects.ListAsync(directory.Projects.Query(), cancellation)).ToDictionary(p => p.Key, p => p.Name, StringComparer.Ordinal);
        var users = await directory.Users.ListAsync(directory.Users.Query(), cancellation);
        return new JsonArray([.. users.OrderBy(u => u.Name, StringComparer.Ordinal).Select(u => (JsonNode)new JsonObject
        {
            ["id"] = u.Key, ["name"] = u.Name, ["enabled"] = u.Enabled, ["roles"] = string.Join(", ", u.Assignments.Select(a => $"{a.Role} in {projects.GetValueOrDefault(a.ProjectId) ?? a.ProjectId}")),
        })]);
    }

    public async Task<JsonArray> ProjectsAsync(CancellationToken cancellation)
    {
        var projects = await directory.Projects.ListAsync(directory.Projects.Query(), cancellation);
        return new JsonArray([.. projects.OrderBy(p => p.Name, StringComparer.Ordinal)
            .Select(p => (JsonNode)new JsonObject { ["id"] = p.Key, ["name"] = p.Name, ["enabled"] = p.Enabled, ["description"] = p.Description })]);
    }

    public async Task CreateUserAsync(string name, string password, string project, bool admin, CancellationToken cancellation)
    {
        var tenant = await directory.FindProjectAsync(project, cancellation) ?? await directory.CreateProjectAsync(new ProjectDocument { Key = Guid.NewGuid().ToString("N"), Name = project }, cancellation);
        await directory.CreateUserAsync(
            new UserDocument
            {
                Key = Guid.NewGuid().ToString("N"), Name = name, Password = "", DefaultProjectId = tenant.Key, Assignments = [.. UserRoles.Of(admin).Select(r => new RoleAssignment(tenant.Key, r))],
            },
            password, cancellation);
    }

    public Task CreateProjectAsync(string name, string description, CancellationToken cancellation) =>
        directory.CreateProjectAsync(new ProjectDocument { Key = Guid.NewGuid().ToString("N"), Name = name, Description = description }, cancellation);

    public async Task DeleteUserAsync(string nameOrId, CancellationToken cancellation) => await directory.DeleteUserAsync((await UserAsync(nameOrId, cancellation)).Key, cancellation);

    public async Task DeleteProjectAsync(string nameOrId, CancellationToken cancellation) =>
        await directory.DeleteProjectAsync((await directory.FindProjectAsync(nameOrId, cancellation) ?? throw new InvalidOperationException($"There is no project {nameOrId}.")).Key, cancellation);

    public async Task SetPasswordAsync(string nameOrId, string password, CancellationToken cancellation) =>
        await directory.SetPasswordAsync((await UserAsync(nameOrId, cancellation)).Key, password, cancellation);

    private async Task<UserDocument> UserAsync(string nameOrId, CancellationToken cancellation) =>
        await directory.FindUserAsync(nameOrId, cancellation) ?? throw new InvalidOperationException($"There is no user {nameOrId}.");
}

/// <summary>What a new user is.</summary>
internal static class UserRoles
{
    public static IReadOnlyList<string> Of(bool admin) => admin ? [Compute.Identity.Roles.Admin, Compute.Identity.Roles.Member] : [Compute.Identity.Roles.Member];
}
