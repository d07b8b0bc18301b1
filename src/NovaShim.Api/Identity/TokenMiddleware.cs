using Microsoft.AspNetCore.Http;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Identity;

/// <summary>Who asks, and may they: checked for every route that says so, before its handler looks anything up.</summary>
internal sealed class TokenMiddleware(RequestDelegate next, IIdentity identity)
{
    /// <summary>Checks the token, the tenant in the path and the administrator's right.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        // A route may carry two: its surface's and its own. Both have to hold.
        var requirements = http.GetEndpoint()?.Metadata.GetOrderedMetadata<TokenRequirement>() ?? [];
        if (requirements.Count > 0)
        {
            var request = ApiRequest.Of(http);
            request.Token = await FindAsync(request, http.RequestAborted) ?? throw Fault.Unauthorized();
            if (request.Token.ProjectId is null && requirements.Any(r => !r.Unscoped))
            {
                throw Fault.Forbidden("This needs a token that is scoped to a project.");
            }

            if (request.PathTenant is { } tenant && tenant != request.ProjectId)
            {
                throw Fault.BadRequest($"Malformed request URL: URL's project_id '{tenant}' doesn't match Context's project_id '{request.ProjectId}'");
            }

            if (requirements.Any(r => r.AdminOnly) && !request.IsAdmin)
            {
                throw Fault.Forbidden("Policy doesn't allow this to be performed by anybody but an administrator.");
            }
        }

        await next(http);
    }

    private async Task<AccessToken?> FindAsync(ApiRequest request, CancellationToken cancellation) => request.Header("X-Auth-Token") is { } token
        ? await identity.FindAsync(token, cancellation)
        : request.Header("Authorization") is { } header ? identity.FindByAuthorization(header) : null;
}
