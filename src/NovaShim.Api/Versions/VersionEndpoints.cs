using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Identity;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Versions;

/// <summary>
/// Discovery: the list at <c>/</c>, one document at each version's root, and (<see cref="UnversionedPaths"/>) 300 for paths without a version. <c>GET
/// /v1.1/{tenant}</c> is a 404: that sends today's client up to the version's root.
/// With <c>X-Auth-User</c> the roots of the old versions are the login of their day.
/// </summary>
internal sealed class VersionEndpoints(HeaderLogin login)
{
    /// <summary>Maps the roots.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/", (request, _) => Task.FromResult(Answer.Of(ComputeVersions.List(request), ApiJson.Default.VersionsEnvelope)));
        routes.OnGet("/v1.1", ShowOrLogInAsync);
        routes.OnGet("/v2", ShowOrLogInAsync);
        routes.OnGet("/v2.1", (request, _) => Task.FromResult(Show(request)));
    }

    private async Task<Answer> ShowOrLogInAsync(ApiRequest request, CancellationToken cancellation) =>
        request.Header("X-Auth-User") is { } user ? await login.LogInAsync(request, user, cancellation) : Show(request);

    private static Answer Show(ApiRequest request) => Answer.Of(ComputeVersions.Show(request, request.Surface), ApiJson.Default.VersionEnvelope);
}
