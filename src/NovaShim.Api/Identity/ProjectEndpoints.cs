using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Identity;

/// <summary>Identity v3's projects (tenants), and the one domain they are in.</summary>
internal sealed class ProjectEndpoints(UserDirectory directory, TokenAuthority tokens)
{
    private const int MaxName = 64;
    private const int MaxDescription = 4096;

    /// <summary>Maps both places.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (var root in IdentityViews.Roots)
        {
            routes.OnGet($"{root}/projects", ListAsync).AdminOnly();
            routes.OnPost($"{root}/projects", CreateAsync).AdminOnly();
            routes.OnGet($"{root}/projects/{{id}}", ShowAsync).NeedsAnyToken();
            routes.OnPatch($"{root}/projects/{{id}}", UpdateAsync).AdminOnly();
            routes.OnDelete($"{root}/projects/{{id}}", DeleteAsync).AdminOnly();
            routes.OnGet($"{root}/domains", (request, _) => Task.FromResult(Domains(request))).AdminOnly();
            routes.OnGet($"{root}/domains/{{id}}", (request, _) => Task.FromResult(request.Route("id") == UserDirectory.DomainId
                ? Answer.Of(new DomainEnvelope(IdentityViews.TheDomain(request)), ApiJson.Default.DomainEnvelope)
                : throw Fault.NotFound($"Could not find domain: {request.Route("id")}."))).NeedsAnyToken();
        }
    }

    private static Answer Show(ApiRequest request, ProjectDocument project, int status = StatusCodes.Status200OK) =>
        Answer.Of(new ProjectEnvelope(IdentityViews.Project(request, project)), ApiJson.Default.ProjectEnvelope, status);

    private static FaultException NotFound(string id) => Fault.NotFound($"Could not find project: {id}.");

    private static Answer Domains(ApiRequest request)
    {
        var asked = request.QueryValue("name") is not { } name || string.Equals(name, UserDirectory.DomainName, StringComparison.OrdinalIgnoreCase);
        return Answer.Of(new DomainsEnvelope(asked ? [IdentityViews.TheDomain(request)] : [], IdentityViews.List(request)), ApiJson.Default.DomainsEnvelope);
    }

    private async Task<Answer> ListAsync(ApiRequest request, CancellationToken cancellation)
    {
        var projects = await directory.Projects.ListAsync(directory.Projects.Query(), cancellation);
        var named = request.QueryValue("name");
        var enabled = request.QueryValue("enabled") is { } text ? Texts.TryBoolean(text, out var flag) ? flag : throw Fault.BadRequest($"Invalid value '{text}' for enabled: a boolean is expected.") : (bool?)null;
        var here = request.QueryValue("domain_id") is null or UserDirectory.DomainId;
        return Answer.Of(
            new ProjectsEnvelope(
                [.. projects.Where(p => here && (named is null || p.Name == named) && (enabled is null || p.Enabled == enabled)).OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => IdentityViews.Project(request, p))], IdentityViews.List(request)),
            ApiJson.Default.ProjectsEnvelope);
    }

    // Who is something in a project sees it, beside administrators.
    private async Task<Answer> ShowAsync(ApiRequest request, CancellationToken cancellation)
    {
        var id = request.Route("id");
        var may = request.IsAdmin || id == request.Token!.ProjectId
            || (await directory.Users.GetAsync(request.Token.UserId, cancellation))?.Assignments.Any(a => a.ProjectId == id) == true;
        return !may ? throw Fault.Forbidden("You are not authorized to perform the requested action.")
            : Show(request, await directory.Projects.GetAsync(id, cancellation) ?? throw NotFound(id));
    }

    private async Task<Answer> CreateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var body = await request.BodyAsync("project", cancellation);
        if (body.Get("domain_id") is { } domain && domain.Text() != UserDirectory.DomainId)
        {
            throw Fault.NotFound($"Could not find domain: {domain.Text()}.");
        }

        if (body.Get("is_domain") is { } isDomain && isDomain.Boolean())
        {
            throw isDomain.Invalid("there is one domain, and no other can be made");
        }

        var project = await directory.CreateProjectAsync(
            new ProjectDocument
            {
                Key = Guid.NewGuid().ToString("N"), Name = body.Require("name").Text(MaxName), Description = DescriptionOf(body) ?? "", Enabled = body.Get("enabled") is not { } enabled || enabled.Boolean(),
            },
            cancellation);
        return Show(request, project, StatusCodes.Status201Created);
    }

    private async Task<Answer> UpdateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var body = await request.BodyAsync("project", cancellation);
        var id = request.Route("id");
        var name = body.Get("name")?.Text(MaxName);
        var enabled = body.Get("enabled") is { } flag ? flag.Boolean() : (bool?)null;
        var description = DescriptionOf(body);
        try
        {
            var project = await directory.Projects.UpdateAsync(
                id,
                p => p.Configured && (name is not null || enabled is not null)
                    ? throw new ConfiguredException($"Project {p.Name}")
                    : p with { Name = name ?? p.Name, Enabled = enabled ?? p.Enabled, Description = description ?? p.Description },
                cancellation) ?? throw NotFound(id);
            tokens.Forget();
            return Show(request, project);
        }
        catch (DuplicateKeyException)
        {
            throw Fault.Conflict($"Conflict occurred attempting to update project - Duplicate entry found with name {name}.");
        }
    }

    private async Task<Answer> DeleteAsync(ApiRequest request, CancellationToken cancellation)
    {
        if (!await directory.DeleteProjectAsync(request.Route("id"), cancellation))
        {
            throw NotFound(request.Route("id"));
        }

        tokens.Forget();
        return Answer.NoContent;
    }

    private static string? DescriptionOf(BodyField body) =>
        body.Get("description") is { } field ? field.Text() is { Length: <= MaxDescription } text ? text : throw field.Invalid($"it must not be longer than {MaxDescription} characters") : null;
}
