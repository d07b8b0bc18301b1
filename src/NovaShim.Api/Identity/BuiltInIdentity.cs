using NovaShim.Api.Requests;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Identity;

/// <summary>The program's own users, tenants and tokens.</summary>
internal sealed class BuiltInIdentity(UserDirectory directory, TokenAuthority tokens) : IIdentity
{
    /// <inheritdoc/>
    public Task<AccessToken?> FindAsync(string secret, CancellationToken cancellation) => tokens.FindAsync(secret, cancellation);

    /// <inheritdoc/>
    public async Task<IssuedToken?> LogInAsync(string userName, string key, string? project, CancellationToken cancellation) =>
        await directory.AuthenticateAsync(await directory.FindUserAsync(userName, cancellation), key, cancellation) is { } user
            && await ProjectOfAsync(user, project, cancellation) is { } scope
            ? await tokens.IssueAsync(user, scope, ["password"], null, cancellation)
            : null;

    /// <inheritdoc/>
    public string UrlFor(ApiRequest request) => $"{request.BaseUrl}/identity";

    /// <summary>The tenant a user's login is for: the one named by id or name, else their own, else the only one they are in. Null when they are nothing in it.</summary>
    public async Task<ProjectDocument?> ProjectOfAsync(UserDocument user, string? nameOrId, CancellationToken cancellation)
    {
        var id = nameOrId ?? user.DefaultProjectId ?? (user.Assignments.Select(a => a.ProjectId).Distinct(StringComparer.Ordinal).ToList() is [var only] ? only : null);
        return id is not null && await directory.FindProjectAsync(id, cancellation) is { } project ? MayUse(user, project) : null;
    }

    /// <summary>The tenant, if a user is something in it.</summary>
    public static ProjectDocument? MayUse(UserDocument user, ProjectDocument? project) =>
        project is { Enabled: true } && user.Assignments.Any(a => a.ProjectId == project.Key) ? project : null;
}
