using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Identity;

/// <summary>Identity v3's users: administrators make, change and delete them; everybody sees themselves and changes their own password.</summary>
internal sealed class UserEndpoints(UserDirectory directory, TokenAuthority tokens)
{
    private const int MaxName = 255;

    /// <summary>Maps both places.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (var root in IdentityViews.Roots)
        {
            routes.OnGet($"{root}/users", ListAsync).AdminOnly();
            routes.OnPost($"{root}/users", CreateAsync).AdminOnly();
            routes.OnGet($"{root}/users/{{id}}", async (request, cancellation) => Show(request, await RequireAsync(request, cancellation))).NeedsAnyToken();
            routes.OnPatch($"{root}/users/{{id}}", UpdateAsync).AdminOnly();
            routes.OnDelete($"{root}/users/{{id}}", DeleteAsync).AdminOnly();
            routes.OnPost($"{root}/users/{{id}}/password", ChangePasswordAsync).NeedsAnyToken();
            routes.OnGet($"{root}/users/{{id}}/projects", ProjectsAsync).NeedsAnyToken();
        }
    }

    private static Answer Show(ApiRequest request, UserDocument user, int status = StatusCodes.Status200OK) =>
        Answer.Of(new UserEnvelope(IdentityViews.User(request, user)), ApiJson.Default.UserEnvelope, status);

    private static FaultException NotFound(string id) => Fault.NotFound($"Could not find user: {id}.");

    /// <summary>The user of the path, whom an administrator sees and they themselves; nobody else does.</summary>
    private async Task<UserDocument> RequireAsync(ApiRequest request, CancellationToken cancellation)
    {
        var id = request.Route("id");
        return !request.IsAdmin && id != request.Token!.UserId ? throw Fault.Forbidden("You are not authorized to perform the requested action.")
            : await directory.Users.GetAsync(id, cancellation) ?? throw NotFound(id);
    }

    private async Task<Answer> ListAsync(ApiRequest request, CancellationToken cancellation)
    {
        var users = await directory.Users.ListAsync(directory.Users.Query(), cancellation);
        var named = request.QueryValue("name");
        var enabled = request.QueryValue("enabled") is { } text ? Texts.TryBoolean(text, out var flag) ? flag : throw Fault.BadRequest($"Invalid value '{text}' for enabled: a boolean is expected.") : (bool?)null;
        var here = request.QueryValue("domain_id") is null or UserDirectory.DomainId;
        return Answer.Of(
            new UsersEnvelope(
                [.. users.Where(u => here && (named is null || u.Name == named) && (enabled is null || u.Enabled == enabled)).OrderBy(u => u.Name, StringComparer.Ordinal).Select(u => IdentityViews.User(request, u))],
                IdentityViews.List(request)),
            ApiJson.Default.UsersEnvelope);
    }

    private async Task<Answer> CreateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var body = await request.BodyAsync("user", cancellation);
        CheckDomain(body);
        var project = body.Get("default_project_id", "project_id") is { } own ? own.Text(MaxName) : null;
        if (project is not null && await directory.Projects.GetAsync(project, cancellation) is null)
        {
            throw Fault.NotFound($"Could not find project: {project}.");
        }

        // Without a password nobody can log in as them, until they have one.
        var password = body.Get("password") is { } given ? PasswordOf(given) : Guid.NewGuid().ToString() + Guid.NewGuid();
        var user = await directory.CreateUserAsync(
            new UserDocument
            {
                Key = Guid.NewGuid().ToString("N"), Name = body.Require("name").Text(MaxName), Password = "", Enabled = body.Get("enabled") is not { } enabled || Flag(enabled),
                Email = body.Get("email")?.Text(MaxName), Description = DescriptionOf(body) ?? "", DefaultProjectId = project,
            },
            password, cancellation);
        return Show(request, user, StatusCodes.Status201Created);
    }

    private async Task<Answer> UpdateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var body = await request.BodyAsync("user", cancellation);
        CheckDomain(body);
        var id = request.Route("id");
        UserDirectory.Free(await directory.Users.GetAsync(id, cancellation) ?? throw NotFound(id));
        var name = body.Get("name")?.Text(MaxName);
        var enabled = body.Get("enabled") is { } flag ? Flag(flag) : (bool?)null;
        var email = body.Get("email")?.Text(MaxName);
        var description = DescriptionOf(body);
        var password = body.Get("password") is { } given ? PasswordOf(given) : null;
        var project = body.Get("default_project_id")?.Text(MaxName);
        if (project is not null && await directory.Projects.GetAsync(project, cancellation) is null)
        {
            throw Fault.NotFound($"Could not find project: {project}.");
        }

        try
        {
            await directory.Users.UpdateAsync(
                id,
                u => UserDirectory.Free(u) with
                {
                    Name = name ?? u.Name, Enabled = enabled ?? u.Enabled, Email = email ?? u.Email, Description = description ?? u.Description, DefaultProjectId = project ?? u.DefaultProjectId,

                    // Tokens of a user who is shut out stay worthless when they are let in again.
                    TokenGeneration = enabled == false && u.Enabled ? u.TokenGeneration + 1 : u.TokenGeneration,
                },
                cancellation);
        }
        catch (DuplicateKeyException)
        {
            throw Fault.Conflict($"Conflict occurred attempting to update user - Duplicate entry found with name {name}.");
        }

        if (password is not null)
        {
            await directory.SetPasswordAsync(id, password, cancellation);
        }

        tokens.Forget();
        return Show(request, await directory.Users.GetAsync(id, cancellation) ?? throw NotFound(id));
    }

    private async Task<Answer> DeleteAsync(ApiRequest request, CancellationToken cancellation)
    {
        if (!await directory.DeleteUserAsync(request.Route("id"), cancellation))
        {
            throw NotFound(request.Route("id"));
        }

        tokens.Forget();
        return Answer.NoContent;
    }

    private async Task<Answer> ChangePasswordAsync(ApiRequest request, CancellationToken cancellation)
    {
        var user = await RequireAsync(request, cancellation);
        var body = await request.BodyAsync("user", cancellation);
        var password = PasswordOf(body.Require("password"));
        if (await directory.AuthenticateAsync(user, body.Require("original_password").Text(), cancellation) is null)
        {
            throw Fault.Unauthorized();
        }

        await directory.SetPasswordAsync(user.Key, password, cancellation);
        tokens.Forget();
        return Answer.NoContent;
    }

    private async Task<Answer> ProjectsAsync(ApiRequest request, CancellationToken cancellation)
    {
        var user = await RequireAsync(request, cancellation);
        var ids = user.Assignments.Select(a => a.ProjectId).Distinct(StringComparer.Ordinal).ToList();
        var projects = await directory.Projects.WhereAsync(p => ids.Contains(p.Key), cancellation);
        return Answer.Of(
            new ProjectsEnvelope([.. projects.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => IdentityViews.Project(request, p))], IdentityViews.List(request)), ApiJson.Default.ProjectsEnvelope);
    }

    private static void CheckDomain(BodyField body)
    {
        if (body.Get("domain_id") is { } domain && domain.Text() != UserDirectory.DomainId)
        {
            throw Fault.NotFound($"Could not find domain: {domain.Text()}.");
        }
    }

    private static string PasswordOf(BodyField field) => field.Text(PasswordHash.MaxLength);

    private static string? DescriptionOf(BodyField body) => body.Get("description") is { } field ? field.Text() is { Length: <= 4096 } text ? text : throw field.Invalid("it must not be longer than 4096 characters") : null;

    private static bool Flag(BodyField field) => field.Boolean();
}
