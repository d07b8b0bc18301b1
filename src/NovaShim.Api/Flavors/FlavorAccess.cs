using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Flavors;

namespace NovaShim.Api.Flavors;

/// <summary>Which tenants may use a flavor that is not public, for administrators.</summary>
internal sealed class FlavorAccess(FlavorShelf flavors) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/flavors/{id}/os-flavor-access", async (request, cancellation) => await flavors.RequireAsync(request, cancellation) is { IsPublic: false } flavor
            ? Show(flavor)
            : throw Fault.NotFound("Access list not available for public flavors.")).AdminOnly();
        routes.OnPost("/flavors/{id}/action", ActAsync).AdminOnly();
    }

    private async Task<Answer> ActAsync(ApiRequest request, CancellationToken cancellation)
    {
        var body = await request.BodyAsync(cancellation);
        if (body.Names() is not [("addTenantAccess" or "removeTenantAccess") and var action])
        {
            throw Fault.BadRequest("The body must have exactly one key: addTenantAccess or removeTenantAccess.");
        }

        var tenant = body.Require(action).RequireObject().Only(request.Surface, "tenant").Require("tenant").Text(255);
        return Show(await flavors.ChangeAsync(request, f => (action, f.Projects.Contains(tenant)) switch
        {
            ("addTenantAccess", false) => f with { Projects = [.. f.Projects, tenant] },
            ("addTenantAccess", true) => throw Fault.Conflict($"Flavor access already exists for flavor {f.FlavorId} and project {tenant} combination."),
            (_, true) => f with { Projects = [.. f.Projects.Where(p => p != tenant)] },
            _ => throw Fault.NotFound($"Flavor access not found for {f.FlavorId} / {tenant} combination."),
        }, cancellation));
    }

    private static Answer Show(FlavorDocument flavor) =>
        Answer.Of(new FlavorAccessEnvelope([.. flavor.Projects.Select(p => new FlavorAccessView(flavor.FlavorId, p))]), ApiJson.Default.FlavorAccessEnvelope);
}
