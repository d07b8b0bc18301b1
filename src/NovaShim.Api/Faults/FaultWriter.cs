using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using NovaShim.Api.Identity;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Faults;

/// <summary>Writes a fault in the format asked for: <c>{"itemNotFound": {"code": 404, "message": "…"}}</c>, or identity's <c>{"error": {…}}</c>.</summary>
internal static class FaultWriter
{
    /// <summary>Writes it as the whole answer.</summary>
    public static async Task WriteAsync(HttpContext http, Surface surface, int status, string message, int? retryAfter, CancellationToken cancellation, string? details = null)
    {
        // Identity's form is also what today's compute answers without a valid token, because there its middleware answers.
        var identity = surface is Surface.Identity || (status == StatusCodes.Status401Unauthorized && !surface.IsLegacy());
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject(identity ? "error" : FaultNames.Of(surface, status));
            json.WriteNumber("code", status);
            if (identity)
            {
                json.WriteString("title", ReasonPhrases.GetReasonPhrase(status));
            }

            json.WriteString("message", message);
            if (details is not null && !identity)
            {
                json.WriteString("details", details);
            }

            if (retryAfter is { } seconds && !identity)
            {
                json.WriteString("retryAfter", seconds.ToString(CultureInfo.InvariantCulture));
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        // On v2 a client that asks for XML is refused in JSON, the one format there.
        var asXml = !identity && (surface is Surface.V11 or Surface.Unversioned) && ApiRequest.Of(http).Format != MediaFormat.Json;
        var document = asXml
            ? XmlAnswers.WriteFault(FaultNames.Of(surface, status), status, message, details, retryAfter?.ToString(CultureInfo.InvariantCulture))
            : buffer.WrittenMemory;
        var response = http.Response;
        response.StatusCode = status;
        response.ContentType = asXml ? "application/xml" : "application/json";
        response.ContentLength = document.Length;
        if (retryAfter is { } wait)
        {
            response.Headers.RetryAfter = wait.ToString(CultureInfo.InvariantCulture);
        }

        if (status == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = $"Keystone uri=\"{http.RequestServices.GetRequiredService<IIdentity>().UrlFor(ApiRequest.Of(http))}\"";
        }

        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await response.Body.WriteAsync(document, cancellation);
        }
    }
}
