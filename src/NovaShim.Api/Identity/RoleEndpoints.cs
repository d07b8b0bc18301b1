using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Identity;

/// <summary>Identity v3's roles, of which there are three, and who has which in which project.</summary>
internal sealed class RoleEndpoints(UserDirectory directory, TokenAuthority tokens)
{
    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>Maps both places.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (var root in IdentityViews.Roots)
        {
            var assignments = $"{root}/projects/{{project}}/users/{{user}}/roles";
            routes.OnGet($"{root}/roles", (request, _) => Task.FromResult(ShowAll(request, Roles.All.Where(r => request.QueryValue("name") is not { } name || r == name)))).AdminOnly();
            routes.OnGet($"{root}/roles/{{role}}", (request, _) => Task.FromResult(
                Answer.Of(new RoleEnvelope(IdentityViews.Role(request, Role(request))), ApiJson.Default.RoleEnvelope))).AdminOnly();
            routes.OnGet(assignments, async (request, cancellation) =>
                ShowAll(request, (await UserAsync(request, cancellation)).Assignments.Where(a => a.ProjectId == request.Route("project")).Select(a => a.Role).Distinct(StringComparer.Ordinal))).AdminOnly();
            routes.OnPut($"{assignments}/{{role}}", GrantAsync).AdminOnly();
            routes.On(GetAndHead, $"{assignments}/{{role}}", CheckAsync).AdminOnly();
            routes.OnDelete($"{assignments}/{{role}}", RevokeAsync).AdminOnly();
            routes.OnGet($"{root}/role_assignments", AssignmentsAsync).AdminOnly();
        }
    }

    private static Answer ShowAll(ApiRequest request, IEnumerable<string> roles) =>
        Answer.Of(new RolesEnvelope([.. roles.Select(r => IdentityViews.Role(request, r))], IdentityViews.List(request)), ApiJson.Default.RolesEnvelope);

    private static string Role(ApiRequest request) => Roles.All.FirstOrDefault(r => r == request.Route("role")) ?? throw Fault.NotFound($"Could not find role: {request.Route("role")}.");

    private async Task<UserDocument> UserAsync(ApiRequest request, CancellationToken cancellation)
    {
        var (user, project) = (request.Route("user"), request.Route("project"));
        return await directory.Projects.GetAsync(project, cancellation) is null ? throw Fault.NotFound($"Could not find project: {project}.")
            : await directory.Users.GetAsync(user, cancellation) ?? throw Fault.NotFound($"Could not find user: {user}.");
    }

    private async Task<Answer> GrantAsync(ApiRequest request, CancellationToken cancellation)
    {
        var role = Role(request);
        var user = await UserAsync(request, cancellation);
        await directory.GrantAsync(user.Key, request.Route("project"), role, cancellation);
        tokens.Forget();
        return Answer.NoContent;
    }

    private async Task<Answer> CheckAsync(ApiRequest request, CancellationToken cancellation)
    {
        var role = Role(request);
        return (await UserAsync(request, cancellation)).Assignments.Any(a => a.ProjectId == request.Route("project") && a.Role == role) ? Answer.NoContent : throw NoAssignment(role);
    }

    private async Task<Answer> RevokeAsync(ApiRequest request, CancellationToken cancellation)
    {
        var role = Role(request);
        var user = await UserAsync(request, cancellation);
        if (!await directory.RevokeAsync(user.Key, request.Route("project"), role, cancellation))
        {
            throw NoAssignment(role);
        }

        tokens.Forget();
        return Answer.NoContent;
    }

    private static FaultException NoAssignment(string role) => Fault.NotFound($"Could not find role assignment with role: {role}.");

    private async Task<Answer> AssignmentsAsync(ApiRequest request, CancellationToken cancellation)
    {
        var (userId, projectId, role) = (request.QueryValue("user.id"), request.QueryValue("scope.project.id"), request.QueryValue("role.id"));
        var named = request.Query.ContainsKey("include_names") && request.QueryValue("include_names") is not ("0" or "False" or "false");
        var users = await directory.Users.ListAsync(directory.Users.Query(), cancellation);
        var projects = (await directory.Projects.ListAsync(directory.Projects.Query(), cancellation)).ToDictionary(p => p.Key, p => p.Name, StringComparer.Ordinal);
        var found = users.Where(u => userId is null || u.Key == userId).OrderBy(u => u.Name, StringComparer.Ordinal)
            .SelectMany(u => u.Assignments.Where(a => (projectId is null || a.ProjectId == projectId) && (role is null || a.Role == role)).Select(a => (User: u, Assignment: a)));
        return Answer.Of(
            new AssignmentsEnvelope(
                [
                    .. found.Select(f => new AssignmentView(
                        new AssignmentPart(f.Assignment.Role, named ? f.Assignment.Role : null, null),
                        Part(f.User.Key, f.User.Name),
                        new AssignmentScope(Part(f.Assignment.ProjectId, projects.GetValueOrDefault(f.Assignment.ProjectId) ?? "")),
                        new AssignmentLink($"{IdentityViews.Root(request)}/projects/{f.Assignment.ProjectId}/users/{f.User.Key}/roles/{f.Assignment.Role}"))),
                ],
                IdentityViews.List(request)),
            ApiJson.Default.AssignmentsEnvelope);

        AssignmentPart Part(string id, string name) => named ? new AssignmentPart(id, name, IdentityViews.Domain) : new AssignmentPart(id, null, null);
    }
}
