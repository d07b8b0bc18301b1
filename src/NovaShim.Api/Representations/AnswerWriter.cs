using System.Text.Json;
using Microsoft.AspNetCore.Http;

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

        if (answer.Type is null)
        {
            if (answer.Status != StatusCodes.Status204NoContent)
            {
                response.ContentLength = 0;
            }

            return;
        }

        response.ContentType = "application/json";
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await JsonSerializer.SerializeAsync(response.BodyWriter, answer.Body, answer.Type, cancellation);
        }
    }
}
