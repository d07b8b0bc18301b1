using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using NovaShim.Api.Identity;
using NovaShim.Api.Tests;
using NovaShim.Api.Tests.Spec;

namespace NovaShim.Fuzz.Tests;

/// <summary>A route as the program has it.</summary>
/// <param name="Method">Its method.</param>
/// <param name="Pattern">Its path, with names in braces.</param>
/// <param name="NeedsToken">Whether it asks for a token.</param>
/// <param name="AdminOnly">Whether it asks for an administrator's.</param>
internal sealed record FuzzedRoute(string Method, string Pattern, bool NeedsToken, bool AdminOnly)
{
    /// <summary>Whether it speaks XML.</summary>
    public bool SpeaksXml => Pattern.StartsWith("/v1.1", StringComparison.Ordinal) || Pattern == "/";

    /// <summary>Whether it is one of the compute surfaces'.</summary>
    public bool IsCompute => ApiDescription.PathOf(Pattern).StartsWith("/{compute}", StringComparison.Ordinal);

    public override string ToString() => $"{Method} {Pattern}";
}

/// <summary>The routes of the running program, read from it: what is added is fuzzed without being named anywhere.</summary>
internal static class RouteTable
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<FuzzedRoute> Of(Face face) =>
    [
        .. face.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().SelectMany(e =>
        {
            var requirements = e.Metadata.GetOrderedMetadata<TokenRequirement>();
            return e.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Select(m => new FuzzedRoute(m, e.RoutePattern.RawText!, requirements.Count > 0, requirements.Any(r => r.AdminOnly)));
        }).OrderBy(r => r.Pattern, StringComparer.Ordinal).ThenBy(r => r.Method, StringComparer.Ordinal),
    ];
}
