using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Identity;

/// <summary>Identity v2.0, as far as clients log in with it: tokens, and the tenants they may be for. At <c>/identity/v2.0</c> and <c>/v2.0</c>.</summary>
internal sealed class IdentityV2Endpoints(UserDirectory directory, BuiltInIdentity identity, TokenAuthority tokens)
{
    /// <summary>Maps both places.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (var root in new[] { "/identity/v2.0", "/v2.0" })
        {
            routes.OnGet(root, (request, _) => Task.FromResult(Answer.Of(new IdentityVersionEnvelope(V2(request, root)), ApiJson.Default.IdentityVersionEnvelope)));
            routes.OnPost($"{root}/tokens", IssueAsync);
            routes.OnGet($"{root}/tenants", TenantsAsync).NeedsAnyToken();
        }
    }

    /// <summary>The version's document.</summary>
    public static IdentityVersion V2(ApiRequest request, string root) => new()
    {
        Id = "v2.0", Status = "deprecated", Updated = "2014-04-17T00:00:00Z", Links = [new Link("self", $"{request.BaseUrl}{root}/")],
        MediaTypes = [new("application/json", "application/vnd.openstack.identity-v2.0+json")],
    };

    private async Task<Answer> IssueAsync(ApiRequest request, CancellationToken cancellation)
    {
        var auth = await request.BodyAsync("auth", cancellation);
        var (user, methods, endsAt) = await AuthenticateAsync(auth, cancellation);
        var project = await ScopeAsync(auth, user, cancellation);
        var issued = await tokens.IssueAsync(user, project, methods, endsAt, cancellation);
        var services = project is null ? [] : Catalog.For(request, project.Key).Select(s => new ServiceV2(s.Type, s.Name, [new EndpointV2(s.Name, Catalog.Region, s.Url, s.Url, s.Url)]));
        return Answer.Of(
            new AccessEnvelope(new AccessV2(
                new TokenV2(issued.Secret, Texts.Moment(issued.Token.IssuedAt), Texts.Moment(issued.Token.ExpiresAt), project is null ? null : new TenantV2(project.Key, project.Name, true)),
                [.. services],
                new UserV2(user.Key, user.Name, user.Name, [.. issued.Token.Roles.Select(r => new RoleV2(r))]))),
            ApiJson.Default.AccessEnvelope);
    }

    private async Task<(UserDocument User, string[] Methods, DateTime? EndsAt)> AuthenticateAsync(BodyField auth, CancellationToken cancellation)
    {
        if (auth.Get("token") is { } token)
        {
            var found = await tokens.FindAsync(token.Require("id").Text(), cancellation) ?? throw Fault.Unauthorized();
            return (await directory.Users.GetAsync(found.UserId, cancellation) ?? throw Fault.Unauthorized(), [.. found.Methods.Append("token").Distinct(StringComparer.Ordinal)], found.ExpiresAt);
        }

        var credentials = auth.Require("passwordCredentials");
        var password = credentials.Require("password").Text();
        var user = await directory.FindUserAsync((credentials.Get("userId") ?? credentials.Require("username")).Text(), cancellation);
        return (await directory.AuthenticateAsync(user, password, cancellation) ?? throw Fault.Unauthorized(), ["password"], null);
    }

    private async Task<ProjectDocument?> ScopeAsync(BodyField auth, UserDocument user, CancellationToken cancellation)
    {
        if (auth.Get("tenantId") is { } id)
        {
            return BuiltInIdentity.MayUse(user, await directory.Projects.GetAsync(id.Text(), cancellation)) ?? throw Fault.Unauthorized();
        }

        if (auth.Get("tenantName") is { } named)
        {
            var name = named.Text();
            return BuiltInIdentity.MayUse(user, await directory.Projects.FirstOrDefaultAsync(p => p.Name == name, cancellation)) ?? throw Fault.Unauthorized();
        }

        return user.DefaultProjectId is { } own ? await identity.ProjectOfAsync(user, own, cancellation) : null;
    }

    private async Task<Answer> TenantsAsync(ApiRequest request, CancellationToken cancellation)
    {
        var user = await directory.Users.GetAsync(request.Token!.UserId, cancellation) ?? throw Fault.Unauthorized();
        var ids = user.Assignments.Select(a => a.ProjectId).Distinct(StringComparer.Ordinal).ToList();
        var projects = await directory.Projects.WhereAsync(p => p.Enabled && ids.Contains(p.Key), cancellation);
        return Answer.Of(new TenantsEnvelope([.. projects.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => new TenantV2(p.Key, p.Name, true))], []), ApiJson.Default.TenantsEnvelope);
    }
}
