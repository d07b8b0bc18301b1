using System.Collections.Frozen;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Versions;

/// <summary>The files that describe the API.</summary>
internal sealed record DescriptionEnvelope(IReadOnlyList<Link> Files);

/// <summary>
/// <c>/api-spec</c>: the description of the API as it was built into the program, which is what the version documents' describedby links lead to. No token.
/// </summary>
internal static class DescriptionEndpoints
{
    private const string Root = "api-spec/";

    private static readonly FrozenSet<string> Files = typeof(DescriptionEndpoints).Assembly.GetManifestResourceNames()
        .Where(n => n.StartsWith(Root, StringComparison.Ordinal)).Select(n => n[Root.Length..]).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>The links of a version's document.</summary>
    public static IReadOnlyList<Link> LinksOf(ApiRequest request, Surface surface) => surface == Surface.V11
        ? [Describe(request, "openapi.json"), Describe(request, "rng/v1.1.rng")]
        : [Describe(request, "openapi.json")];

    /// <summary>Maps the list and the files.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/api-spec", (request, _) => Task.FromResult(Answer.Of(
            new DescriptionEnvelope([.. Files.Order(StringComparer.Ordinal).Select(f => Describe(request, f))]), ApiJson.Default.DescriptionEnvelope)));
        routes.MapMethods("/api-spec/{**path}", [HttpMethods.Get], (RequestDelegate)(async http =>
        {
            var name = ApiRequest.Of(http).Route("path");
            await using var file = Files.Contains(name) ? typeof(DescriptionEndpoints).Assembly.GetManifestResourceStream(Root + name)! : throw Fault.NotFound("The description has no such file.");
            http.Response.ContentType = TypeOf(name);
            http.Response.ContentLength = file.Length;
            await file.CopyToAsync(http.Response.Body, http.RequestAborted);
        }));
    }

    private static Link Describe(ApiRequest request, string file) => new("describedby", $"{request.BaseUrl}/{Root}{file}", TypeOf(file));

    private static string TypeOf(string file) => file.EndsWith(".json", StringComparison.Ordinal) ? "application/json" : "application/xml";
}
