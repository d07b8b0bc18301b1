using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Api.SecurityGroups;
using NovaShim.Api.ServerGroups;
using NovaShim.Compute.Quotas;

namespace NovaShim.Api.Limits;

/// <summary>Quotas of tenants and of users in them: a tenant reads its own, administrators read and set everybody's.</summary>
internal sealed class QuotaSetEndpoints(QuotaSettings settings, QuotaLedger ledger, ServerGroupShelf groups, SecurityGroupShelf securityGroups) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-quota-sets/{project_id}", async (request, cancellation) =>
            Show(ProjectOf(request), await settings.OfAsync(ProjectOf(request), request.QueryValue("user_id"), cancellation)));
        routes.OnGet("/os-quota-sets/{project_id}/defaults", async (request, cancellation) => Show(ProjectOf(request), await settings.DefaultsAsync(cancellation)));
        routes.OnGet("/os-quota-sets/{project_id}/detail", DetailAsync);
        routes.OnPut("/os-quota-sets/{project_id}", UpdateAsync).AdminOnly();
        routes.OnDelete("/os-quota-sets/{project_id}", async (request, cancellation) =>
        {
            await settings.ResetAsync(ProjectOf(request), request.QueryValue("user_id"), cancellation);
            return Answer.Empty(StatusCodes.Status202Accepted);
        }).AdminOnly();
    }

    private async Task<Answer> DetailAsync(ApiRequest request, CancellationToken cancellation)
    {
        var (project, user) = (ProjectOf(request), request.QueryValue("user_id"));
        var limits = await settings.OfAsync(project, user, cancellation);
        var used = await UsedAsync(project, user, cancellation);
        var set = new Dictionary<string, object> { ["id"] = project };
        foreach (var resource in QuotaResources.All)
        {
            var (inUse, reserved) = used.GetValueOrDefault(resource);
            set[resource] = new QuotaDetail(limits[resource], inUse, reserved);
        }

        return Answer.Of(new QuotaSetEnvelope(set), ApiJson.Default.QuotaSetEnvelope);
    }

    private async Task<Answer> UpdateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var (project, user) = (ProjectOf(request), request.QueryValue("user_id"));
        (await request.BodyAsync(cancellation)).Only(request.Surface, "quota_set");
        var body = await request.BodyAsync("quota_set", cancellation);
        var limits = QuotaBody.LimitsOf(request, body, "force", "tenant_id");
        if (body.Get("force")?.Boolean() is not true)
        {
            // Under what is used nobody would be able to do anything; over what the project has a user's limit would promise too much.
            var used = await UsedAsync(project, user, cancellation);
            var most = user is null ? null : await settings.OfAsync(project, null, cancellation);
            foreach (var (resource, limit) in limits)
            {
                var (inUse, reserved) = used.GetValueOrDefault(resource);
                if (limit >= 0 && limit < inUse + reserved)
                {
                    throw Fault.BadRequest($"Quota limit {limit} for {resource} must be greater than or equal to already used and reserved {inUse + reserved}.");
                }

                if (most is not null && most[resource] >= 0 && (limit < 0 || limit > most[resource]))
                {
                    throw Fault.BadRequest($"Quota limit {limit} for {resource} must be less than or equal to {most[resource]}.");
                }
            }
        }

        await settings.SetAsync(project, user, limits, cancellation);
        return Show(null, await settings.OfAsync(project, user, cancellation));
    }

    private async Task<Dictionary<string, (long InUse, long Reserved)>> UsedAsync(string project, string? user, CancellationToken cancellation)
    {
        var (inUse, reserved) = await ledger.UsedByAsync(project, user, cancellation);
        return new Dictionary<string, (long, long)>
        {
            [QuotaResources.Instances] = (inUse.Instances, reserved.Instances), [QuotaResources.Cores] = (inUse.Cores, reserved.Cores), [QuotaResources.Ram] = (inUse.Ram, reserved.Ram),
            [QuotaResources.SecurityGroups] = (await securityGroups.CountAsync(project, cancellation), 0),
            [QuotaResources.ServerGroups] = (await groups.CountAsync(project, user, cancellation), 0),
        };
    }

    private static string ProjectOf(ApiRequest request) => request.Route("project_id") is var project && (project == request.ProjectId || request.IsAdmin)
        ? project
        : throw Fault.Forbidden("Another tenant's quotas are its own affair.");

    private static Answer Show(string? id, IReadOnlyDictionary<string, int> limits) => Answer.Of(new QuotaSetEnvelope(QuotaBody.SetOf(id, limits)), ApiJson.Default.QuotaSetEnvelope);
}
