using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace NovaShim.Api.Requests;

/// <summary>
/// Routing takes <c>/V2.1/SERVERS</c> for <c>/v2.1/servers</c>; Nova does not, and the surface of such a path is none. Behind routing: a route whose letters are not the path's was not found.
/// </summary>
internal sealed class ExactPaths(RequestDelegate next)
{
    /// <summary>Takes the route away, or goes on.</summary>
    public Task InvokeAsync(HttpContext http)
    {
        if (http.GetEndpoint() is RouteEndpoint endpoint && !IsExact(endpoint.RoutePattern, http.Request.Path.Value ?? "/"))
        {
            http.SetEndpoint(null);
        }

        return next(http);
    }

    private static bool IsExact(RoutePattern pattern, string path)
    {
        var segments = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (var at = 0; at < pattern.PathSegments.Count && at < segments.Length; at++)
        {
            if (pattern.PathSegments[at] is { IsSimple: true, Parts: [RoutePatternLiteralPart literal] } && segments[at] != literal.Content)
            {
                return false;
            }
        }

        return true;
    }
}
