using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using NovaShim.Api.Versions;

namespace NovaShim.Api.Requests;

/// <summary>
/// The first thing every request meets: it gets its id, its surface and format, a bounded body, and the headers every answer carries. Doubled slashes and
/// suffixes are taken out of the path before it is routed.
/// </summary>
internal sealed class RequestIntake(RequestDelegate next, TimeProvider time, ApiOptions options)
{
    /// <summary>Attaches an <see cref="ApiRequest"/> and goes on.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        var path = WithoutDoubledSlashes(http.Request.Path.Value is { Length: > 0 } given ? given : "/");
        var surface = Surfaces.Of(path);
        var format = MediaFormat.Json;
        if (surface.IsLegacy() || surface == Surface.Unversioned)
        {
            format = MediaFormats.OfAccept(http.Request, withAtom: path.TrimEnd('/') is "" or "/v1.1");

            // The roots of other surfaces have no formats to choose from: /v2.1.xml is no path of theirs.
            if (MediaFormats.OfSuffix(path) is { } suffixed && Surfaces.Of(suffixed.Path) is var named && (named.IsLegacy() || named == Surface.Unversioned))
            {
                (path, format) = suffixed;
                surface = named;
            }
        }

        http.Request.Path = path;
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } bound)
        {
            bound.MaxRequestBodySize = options.MaxBodyBytes;
        }

        var request = new ApiRequest(http, surface, $"req-{Guid.NewGuid():D}", time.GetUtcNow().UtcDateTime, format);
        request.Attach();
        http.Response.OnStarting(static state =>
        {
            var context = (HttpContext)state;
            var answered = ApiRequest.Of(context);
            context.Response.Headers["x-openstack-request-id"] = answered.RequestId;
            context.Response.Headers["x-compute-request-id"] = answered.RequestId;
            Microversion.Announce(answered.Surface, context.Response.Headers);
            return Task.CompletedTask;
        }, http);
        await next(http);
    }

    private static string WithoutDoubledSlashes(string path) =>
        path.Contains("//", StringComparison.Ordinal) ? "/" + string.Join('/', path.Split('/', StringSplitOptions.RemoveEmptyEntries)) + (path.EndsWith('/') ? "/" : "") : path;
}
