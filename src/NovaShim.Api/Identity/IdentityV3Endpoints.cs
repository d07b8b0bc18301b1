using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Identity;

/// <summary>Identity v3's versions and tokens: by password or by token, for a project or for none; validation, revocation, catalog. At <c>/identity/v3</c> and <c>/v3</c>.</summary>
internal sealed class IdentityV3Endpoints(UserDirectory directory, BuiltInIdentity identity, TokenAuthority tokens)
{
    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];
    private static readonly string[] Interfaces = ["public", "internal", "admin"];

    /// <summary>Maps both places.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/identity", (request, _) => Task.FromResult(Answer.Of(
            new IdentityVersionsEnvelope(new IdentityVersionValues([V3(request, "/identity/v3"), IdentityV2Endpoints.V2(request, "/identity/v2.0")])),
            ApiJson.Default.IdentityVersionsEnvelope, StatusCodes.Status300MultipleChoices)));
        foreach (var root in IdentityViews.Roots)
        {
            routes.OnGet(root, (request, _) => Task.FromResult(Answer.Of(new IdentityVersionEnvelope(V3(request, root)), ApiJson.Default.IdentityVersionEnvelope)));
            routes.OnPost($"{root}/auth/tokens", IssueAsync);
            routes.On(GetAndHead, $"{root}/auth/tokens", ValidateAsync).NeedsAnyToken();
            routes.OnDelete($"{root}/auth/tokens", RevokeAsync).NeedsAnyToken();
            routes.OnGet($"{root}/auth/catalog", (request, _) =>
                Task.FromResult(Answer.Of(new CatalogEnvelope(CatalogOf(request, request.ProjectId)), ApiJson.Default.CatalogEnvelope))).NeedsToken();
            routes.OnGet($"{root}/auth/projects", ProjectsAsync).NeedsAnyToken();
            routes.OnGet($"{root}/auth/domains", (request, _) => Task.FromResult(
                Answer.Of(new DomainsEnvelope([IdentityViews.TheDomain(request)], IdentityViews.List(request)), ApiJson.Default.DomainsEnvelope))).NeedsAnyToken();
        }
    }

    private async Task<Answer> ProjectsAsync(ApiRequest request, CancellationToken cancellation)
    {
        var user = await directory.Users.GetAsync(request.Token!.UserId, cancellation) ?? throw Fault.Unauthorized();
        var ids = user.Assignments.Select(a => a.ProjectId).Distinct(StringComparer.Ordinal).ToList();
        var projects = await directory.Projects.WhereAsync(p => p.Enabled && ids.Contains(p.Key), cancellation);
        return Answer.Of(
            new ProjectsEnvelope([.. projects.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => IdentityViews.Project(request, p))], IdentityViews.List(request)), ApiJson.Default.ProjectsEnvelope);
    }

    private async Task<Answer> IssueAsync(ApiRequest request, CancellationToken cancellation)
    {
        var auth = await request.BodyAsync("auth", cancellation);
        var proof = auth.Require("identity").RequireObject();
        var methods = proof.Require("methods").Items().Select(m => m.Text()).ToList();
        var (user, proven, endsAt) = methods switch
        {
            ["password"] => (await ByPasswordAsync(proof.Require("password").Require("user").RequireObject(), cancellation), ["password"], null),
            ["token"] => await ByTokenAsync(proof.Require("token").Require("id").Text(), cancellation),
            _ => throw Fault.Unauthorized("Attempted to authenticate with an unsupported method."),
        };
        var project = await ScopeAsync(auth.Get("scope"), user, cancellation);
        var issued = await tokens.IssueAsync(user, project, proven, endsAt, cancellation);
        return Answer.Of(
            new TokenV3Envelope(Show(request, issued.Token)), ApiJson.Default.TokenV3Envelope, StatusCodes.Status201Created,
            new Dictionary<string, string> { ["X-Subject-Token"] = issued.Secret, ["Vary"] = "X-Auth-Token" });
    }

    // Whether the name is wrong, the domain or the password is not told, neither in words nor by the time it takes.
    private async Task<UserDocument> ByPasswordAsync(BodyField given, CancellationToken cancellation)
    {
        var password = given.Require("password").Text();
        UserDocument? user;
        if (given.Get("id") is { } id)
        {
            user = await directory.Users.GetAsync(id.Text(), cancellation);
        }
        else
        {
            var name = given.Require("name").Text();
            var known = given.Get("domain") is not { } domain || IsTheDomain(domain);
            user = await directory.Users.FirstOrDefaultAsync(u => u.Name == name, cancellation) is { } found && known ? found : null;
        }

        return await directory.AuthenticateAsync(user, password, cancellation) ?? throw Fault.Unauthorized();
    }

    private async Task<(UserDocument User, string[] Methods, DateTime? EndsAt)> ByTokenAsync(string secret, CancellationToken cancellation)
    {
        var token = await tokens.FindAsync(secret, cancellation) ?? throw Fault.Unauthorized();
        var user = await directory.Users.GetAsync(token.UserId, cancellation) ?? throw Fault.Unauthorized();
        return (user, [.. token.Methods.Append("token").Distinct(StringComparer.Ordinal)], token.ExpiresAt);
    }

    /// <summary>The project a token is asked for: by id, or by name and domain; the user's own where nothing is said; none for <c>unscoped</c>. Anything the user is nothing in is a 401.</summary>
    private async Task<ProjectDocument?> ScopeAsync(BodyField? scope, UserDocument user, CancellationToken cancellation)
    {
        if (scope is not { } asked)
        {
            return user.DefaultProjectId is { } own ? await identity.ProjectOfAsync(user, own, cancellation) : null;
        }

        if (asked.IsText ? asked.Text() == "unscoped" : asked.RequireObject().Has("unscoped"))
        {
            return null;
        }

        if (asked.Get("project") is not { } project)
        {
            throw asked.Get("domain") is not null || asked.Get("system") is not null || asked.Get("OS-TRUST:trust") is not null
                ? Fault.Unauthorized("Only projects can be scoped to.")
                : asked.Require("project").Invalid("a project is expected");
        }

        if (project.Get("id") is { } id)
        {
            return BuiltInIdentity.MayUse(user, await directory.Projects.GetAsync(id.Text(), cancellation)) ?? throw Fault.Unauthorized();
        }

        var name = project.Require("name").Text();
        var known = project.Get("domain") is not { } domain || IsTheDomain(domain);
        return known && BuiltInIdentity.MayUse(user, await directory.Projects.FirstOrDefaultAsync(p => p.Name == name, cancellation)) is { } found ? found : throw Fault.Unauthorized();
    }

    private static bool IsTheDomain(BodyField domain) => domain.Get("id") is { } id
        ? id.Text() == UserDirectory.DomainId
        : string.Equals(domain.Require("name").Text(), UserDirectory.DomainName, StringComparison.OrdinalIgnoreCase);

    private async Task<Answer> ValidateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var (secret, subject) = await SubjectAsync(request, cancellation);
        return Answer.Of(
            new TokenV3Envelope(Show(request, subject)), ApiJson.Default.TokenV3Envelope, StatusCodes.Status200OK,
            new Dictionary<string, string> { ["X-Subject-Token"] = secret, ["Vary"] = "X-Auth-Token" });
    }

    private async Task<Answer> RevokeAsync(ApiRequest request, CancellationToken cancellation)
    {
        var (secret, _) = await SubjectAsync(request, cancellation);
        await tokens.RevokeAsync(secret, cancellation);
        return Answer.NoContent;
    }

    /// <summary>The token a request is about: one's own user's, or anybody's for an administrator. What is not one's own is not there.</summary>
    private async Task<(string Secret, AccessToken Token)> SubjectAsync(ApiRequest request, CancellationToken cancellation)
    {
        var secret = request.Header("X-Subject-Token") ?? throw Fault.BadRequest("The header X-Subject-Token is required.");
        var subject = await tokens.FindAsync(secret, cancellation);
        return subject is not null && (request.IsAdmin || subject.UserId == request.Token!.UserId) ? (secret, subject) : throw Fault.NotFound("Could not find token.");
    }

    private static TokenV3 Show(ApiRequest request, AccessToken token)
    {
        var shown = new TokenV3
        {
            Methods = token.Methods, User = new DomainMember(token.UserId, token.UserName, IdentityViews.Domain), AuditIds = [token.AuditId], IssuedAt = Moment(token.IssuedAt),
            ExpiresAt = Moment(token.ExpiresAt),
        };
        return token is not { ProjectId: { } projectId, ProjectName: { } projectName } ? shown : shown with
        {
            Project = new DomainMember(projectId, projectName, IdentityViews.Domain), IsDomain = false, Roles = [.. token.Roles.Select(r => new NamedReference(r, r))],
            Catalog = request.Query.ContainsKey("nocatalog") ? null : CatalogOf(request, projectId),
        };
    }

    private static IReadOnlyList<CatalogEntry> CatalogOf(ApiRequest request, string projectId) =>
    [
        .. Catalog.For(request, projectId).Select(s => new CatalogEntry(
            s.Name, s.Type, s.Name, [.. Interfaces.Select(i => new EndpointDocument($"{s.Name}-{i}", i, Catalog.Region, Catalog.Region, s.Url))])),
    ];

    private static IdentityVersion V3(ApiRequest request, string root) => new()
    {
        Id = "v3.14", Status = "stable", Updated = "2020-04-07T00:00:00Z", Links = [new Link("self", $"{request.BaseUrl}{root}/")],
        MediaTypes = [new("application/json", "application/vnd.openstack.identity-v3+json")],
    };

    private static string Moment(DateTime moment) => moment.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
