using Microsoft.AspNetCore.Http;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;

namespace NovaShim.Api.RateLimits;

/// <summary>Refuses a user's requests beyond the limits of their surface: 413 with Retry-After, as Nova did before there was a 429.</summary>
internal sealed class RateLimitMiddleware(RequestDelegate next, RateLimiter limiter)
{
    /// <summary>Counts, and goes on or refuses.</summary>
    public Task InvokeAsync(HttpContext http)
    {
        var request = ApiRequest.Of(http);
        if (request.Token is not { } token || !limiter.Holds(request.Surface) || limiter.Count(token.UserId, http.Request.Method, PathBelowTenant(request) + http.Request.QueryString) is not { } over)
        {
            return next(http);
        }

        throw new FaultException(request.Surface == Surface.V21 ? StatusCodes.Status429TooManyRequests : StatusCodes.Status413PayloadTooLarge, "This request was rate-limited.")
        {
            Details = over.Limit.Details, RetryAfter = (int)Math.Ceiling(over.Seconds),
        };
    }

    private static string PathBelowTenant(ApiRequest request)
    {
        var version = request.Path.IndexOf('/', 1);
        var path = version < 0 ? "/" : request.Path[version..];
        return request.PathTenant is { } tenant && path.StartsWith("/" + tenant, StringComparison.Ordinal) ? path[(tenant.Length + 1)..] : path;
    }
}
