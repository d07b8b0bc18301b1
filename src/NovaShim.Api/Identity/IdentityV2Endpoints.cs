using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Identity;

/// <summary>Identity v2.0's one route that clients log in with. At <c>/identity/v2.0</c> and <c>/v2.0</c>.</summary>
internal sealed class IdentityV2Endpoints(IdentityDirectory directory, TokenAuthority tokens)
{
    /// <summary>Maps both places.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (var root in new[] { "/identity/v2.0", "/v2.0" })
        {
            routes.OnGet(root, (request, _) => Task.FromResult(Answer.Of(new IdentityVersionEnvelope(V2(request, root)), ApiJson.Default.IdentityVersionEnvelope)));
            routes.OnPost($"{root}/tokens", IssueAsync);
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
        var (user, endsAt) = await AuthenticateAsync(auth, cancellation);
        if ((auth.Get("tenantId") is { } id && id.Text() != user.ProjectId) || (auth.Get("tenantName") is { } name && name.Text() != user.ProjectName))
        {
            throw Fault.Unauthorized();
        }

        var issued = await tokens.IssueAsync(user, endsAt, cancellation);
        var services = Catalog.For(request, user.ProjectId).Select(s => new ServiceV2(s.Type, s.Name, [new EndpointV2(s.Name, Catalog.Region, s.Url, s.Url, s.Url)]));
        return Answer.Of(
            new AccessEnvelope(new AccessV2(
                new TokenV2(issued.Secret, Texts.Moment(issued.Document.IssuedAt), Texts.Moment(issued.Document.ExpiresAt), new TenantV2(user.ProjectId, user.ProjectName, true)),
                [.. services],
                new UserV2(user.Id, user.Name, user.Name, [.. Roles.Of(user.IsAdmin).Select(r => new RoleV2(r))]))),
            ApiJson.Default.AccessEnvelope);
    }

    private async Task<(IdentityUser User, DateTime? EndsAt)> AuthenticateAsync(BodyField auth, CancellationToken cancellation)
    {
        if (auth.Get("token") is { } token)
        {
            var found = await tokens.FindAsync(token.Require("id").Text(), cancellation) ?? throw Fault.Unauthorized();
            return (directory.Lookup(found.UserId) ?? throw Fault.Unauthorized(), found.ExpiresAt);
        }

        var credentials = auth.Require("passwordCredentials");
        var user = (credentials.Get("userId") ?? credentials.Require("username")).Text();
        return (directory.Authenticate(user, credentials.Require("password").Text()) ?? throw Fault.Unauthorized(), null);
    }
}
