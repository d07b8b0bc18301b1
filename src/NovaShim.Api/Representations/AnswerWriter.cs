using System.Text.Json;
using Microsoft.AspNetCore.Http;
using NovaShim.Api.Requests;
using NovaShim.Api.Versions;

namespace NovaShim.Api.Representations;

/// <summary>Writes an <see cref="Answer"/> in the format the request asked for.</summary>
internal static class AnswerWriter
{
    /// <summary>Writes it as the whole answer.</summary>
    public static async Task WriteAsync(HttpContext http, Answer answer, CancellationToken cancellation)
    {
        var response = http.Response;
        response.StatusCode = answer.Status;
        foreach (var (name, value) in answer.Headers)
        {
            response.Headers[name] = value;
        }

        if (answer.Bytes is var (content, length))
        {
            await using (content)
            {
                response.ContentType = "application/octet-stream";
                response.ContentLength = length;
                if (!HttpMethods.IsHead(http.Request.Method))
                {
                    await content.CopyToAsync(response.Body, cancellation);
                }
            }

            return;
        }

        if (answer.Type is null)
        {
            if (answer.Status != StatusCodes.Status204NoContent)
            {
                response.ContentLength = 0;
            }

            return;
        }

        if (Formatted(ApiRequest.Of(http), answer) is var (type, document))
        {
            response.ContentType = type;
            response.ContentLength = document.Length;
            if (!HttpMethods.IsHead(http.Request.Method))
            {
                await response.Body.WriteAsync(document, cancellation);
            }

            return;
        }

        response.ContentType = "application/json";
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await JsonSerializer.SerializeAsync(response.BodyWriter, answer.Body, answer.Type, cancellation);
        }
    }

    /// <summary>The document in another format than JSON, or null for JSON. What has no form in Atom is given in XML.</summary>
    private static (string Type, byte[] Document)? Formatted(ApiRequest request, Answer answer) => request.Format switch
    {
        MediaFormat.Json => null,
        _ when answer.Body is IJsonOnly => null,
        MediaFormat.Atom when VersionFeed.Write(answer.Body) is { } feed => ("application/atom+xml", feed),
        _ => ("application/xml", XmlAnswers.Write(answer.Body, answer.Type!)),
    };
}
