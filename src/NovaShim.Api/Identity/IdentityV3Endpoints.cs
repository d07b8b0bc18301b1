using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Identity;

/// <summary>Identity v3, as much of it as clients of compute need: discovery, tokens by password or token, the catalog. At <c>/identity/v3</c> and <c>/v3</c>.</summary>
internal sealed class IdentityV3Endpoints(IdentityDirectory directory, TokenAuthority tokens)
{
    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];
    private static readonly string[] Interfaces = ["public", "internal", "admin"];
    private static readonly NamedReference Domain = new(IdentityDirectory.DomainId, IdentityDirectory.DomainName);

    /// <summary>Maps both places.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/identity", (request, _) => Task.FromResult(Answer.Of(
            new IdentityVersionsEnvelope(new IdentityVersionValues([V3(request, "/identity/v3"), IdentityV2Endpoints.V2(request, "/identity/v2.0")])),
            ApiJson.Default.IdentityVersionsEnvelope, StatusCodes.Status300MultipleChoices)));
        foreach (var root in new[] { "/identity/v3", "/v3" })
        {
            routes.OnGet(root, (request, _) => Task.FromResult(Answer.Of(new IdentityVersionEnvelope(V3(request, root)), ApiJson.Default.IdentityVersionEnvelope)));
            routes.OnPost($"{root}/auth/tokens", IssueAsync);
            routes.On(GetAndHead, $"{root}/auth/tokens", ValidateAsync).NeedsToken();
            routes.OnDelete($"{root}/auth/tokens", RevokeAsync).NeedsToken();
            routes.OnGet($"{root}/auth/catalog", (request, _) =>
                Task.FromResult(Answer.Of(new CatalogEnvelope(CatalogOf(request, request.ProjectId)), ApiJson.Default.CatalogEnvelope))).NeedsToken();
            routes.OnGet($"{root}/auth/projects", (request, _) => Task.FromResult(Answer.Of(
                new ProjectsEnvelope([new ProjectDocument(request.Token!.ProjectId, request.Token.ProjectName, Domain.Id, true, false, Domain.Id, "")]), ApiJson.Default.ProjectsEnvelope))).NeedsToken();
        }
    }

    private async Task<Answer> IssueAsync(ApiRequest request, CancellationToken cancellation)
    {
        var auth = await request.BodyAsync("auth", cancellation);
        var identity = auth.Require("identity").RequireObject();
        var methods = identity.Require("methods").Items().Select(m => m.Text()).ToList();
        var (user, method, endsAt) = methods switch
        {
            ["password"] => (ByPassword(identity.Require("password").Require("user").RequireObject()), "password", null),
            ["token"] => await ByTokenAsync(identity.Require("token").Require("id").Text(), cancellation),
            _ => throw Fault.Unauthorized("Attempted to authenticate with an unsupported method."),
        };
        CheckScope(auth.Get("scope"), user);
        var issued = await tokens.IssueAsync(user, endsAt, cancellation);
        return Answer.Of(
            new TokenV3Envelope(Show(request, issued.Document, [method])), ApiJson.Default.TokenV3Envelope, StatusCodes.Status201Created,
            new Dictionary<string, string> { ["X-Subject-Token"] = issued.Secret, ["Vary"] = "X-Auth-Token" });
    }

    private IdentityUser ByPassword(BodyField user)
    {
        var nameOrId = (user.Get("id") ?? user.Require("name")).Text();
        if (user.Get("id") is null && user.Get("domain") is { } domain)
        {
            CheckDomain(domain);
        }

        return directory.Authenticate(nameOrId, user.Require("password").Text()) ?? throw Fault.Unauthorized();
    }

    private async Task<(IdentityUser User, string Method, DateTime? EndsAt)> ByTokenAsync(string secret, CancellationToken cancellation)
    {
        var token = await tokens.FindAsync(secret, cancellation) ?? throw Fault.Unauthorized();
        return (directory.Lookup(token.UserId) ?? throw Fault.Unauthorized(), "token", token.ExpiresAt);
    }

    /// <summary>A user has one tenant, so a scope can only name it, by id or by name and domain; without one the token is for it all the same.</summary>
    private static void CheckScope(BodyField? scope, IdentityUser user)
    {
        if (scope is not { IsObject: true } asked)
        {
            return;
        }

        if (asked.Get("project") is not { } project)
        {
            throw asked.Get("domain") is not null || asked.Get("system") is not null
                ? Fault.Unauthorized("Only projects can be scoped to.")
                : asked.Require("project").Invalid("a project is expected");
        }

        if (project.Get("domain") is { } domain)
        {
            CheckDomain(domain);
        }

        if (project.Get("id") is { } id ? id.Text() != user.ProjectId : project.Require("name").Text() != user.ProjectName)
        {
            throw Fault.Unauthorized();
        }
    }

    private static void CheckDomain(BodyField domain)
    {
        var known = domain.Get("id") is { } id ? id.Text() == Domain.Id : string.Equals(domain.Require("name").Text(), Domain.Name, StringComparison.OrdinalIgnoreCase);
        if (!known)
        {
            throw Fault.Unauthorized();
        }
    }

    private async Task<Answer> ValidateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var (secret, subject) = await SubjectAsync(request, cancellation);
        return Answer.Of(
            new TokenV3Envelope(Show(request, subject, ["password"])), ApiJson.Default.TokenV3Envelope, StatusCodes.Status200OK,
            new Dictionary<string, string> { ["X-Subject-Token"] = secret, ["Vary"] = "X-Auth-Token" });
    }

    private async Task<Answer> RevokeAsync(ApiRequest request, CancellationToken cancellation)
    {
        var (secret, _) = await SubjectAsync(request, cancellation);
        await tokens.RevokeAsync(secret, cancellation);
        return Answer.NoContent;
    }

    /// <summary>The token a request is about: one's own user's, or anybody's for an administrator. What is not one's own is not there.</summary>
    private async Task<(string Secret, TokenDocument Token)> SubjectAsync(ApiRequest request, CancellationToken cancellation)
    {
        var secret = request.Header("X-Subject-Token") ?? throw Fault.BadRequest("The header X-Subject-Token is required.");
        var subject = await tokens.FindAsync(secret, cancellation);
        return subject is not null && (request.IsAdmin || subject.UserId == request.Token!.UserId) ? (secret, subject) : throw Fault.NotFound("Could not find token.");
    }

    private static TokenV3 Show(ApiRequest request, TokenDocument token, IReadOnlyList<string> methods) => new()
    {
        Methods = methods,
        User = new DomainMember(token.UserId, token.UserName, Domain),
        AuditIds = [token.Key[..22]],
        IssuedAt = Moment(token.IssuedAt),
        ExpiresAt = Moment(token.ExpiresAt),
        Project = new DomainMember(token.ProjectId, token.ProjectName, Domain),
        Roles = [.. Roles.Of(token.IsAdmin).Select(r => new NamedReference(r, r))],
        Catalog = request.Query.ContainsKey("nocatalog") ? null : CatalogOf(request, token.ProjectId),
    };

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
