using System.Text.Json;
using Microsoft.AspNetCore.Http;
using NovaShim.Api.Faults;

namespace NovaShim.Api.Requests;

/// <summary>
/// Reads a request's body into a tree of <see cref="BodyField"/>, whatever format it came in: the handlers know only the tree. Its size is bounded by
/// <see cref="RequestIntake"/>, its depth here.
/// </summary>
internal static class BodyReader
{
    /// <summary>How deep a body may nest; the deepest that Nova knows has six levels.</summary>
    public const int MaxDepth = 32;

    private static readonly string[] PatchTypes = ["application/openstack-images-v2.1-json-patch", "application/openstack-images-v2.0-json-patch", "application/json-patch+json"];

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaxDepth };

    /// <summary>The body's root, an object. Throws a fault: 400 when it is malformed, 415 when it is of another type.</summary>
    public static async Task<BodyField> ReadAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (ApiRequest.Of(request.HttpContext).Surface == Surface.V11 && MediaFormats.IsXml(request.ContentType))
        {
            return await XmlBody.ReadAsync(request.Body, cancellation);
        }

        if (!MediaFormats.IsJson(request.ContentType))
        {
            throw new FaultException(StatusCodes.Status415UnsupportedMediaType, $"Unsupported content type {request.ContentType}.");
        }

        return (await ReadJsonAsync(request.Body, cancellation)).RequireObject();
    }

    /// <summary>The operations of a JSON patch, which has types of its own. Throws a fault likewise.</summary>
    public static async Task<BodyField> ReadPatchAsync(HttpRequest request, CancellationToken cancellation) =>
        PatchTypes.Any(t => MediaFormats.Is(request.ContentType, t))
            ? await ReadJsonAsync(request.Body, cancellation)
            : throw new FaultException(StatusCodes.Status415UnsupportedMediaType, $"Unsupported content type {request.ContentType}; {PatchTypes[0]} is expected.");

    private static async Task<BodyField> ReadJsonAsync(Stream body, CancellationToken cancellation)
    {
        try
        {
            using var document = await JsonDocument.ParseAsync(body, Options, cancellation);
            CheckTexts(document.RootElement, "");
            return new BodyField(document.RootElement.Clone(), "");
        }
        catch (JsonException malformed)
        {
            throw Fault.BadRequest($"Malformed request body: not JSON at line {malformed.LineNumber + 1 ?? 1}, byte {malformed.BytePositionInLine ?? 0}.");
        }
    }

    /// <summary>An escape in JSON can stand for half a character; a text that has one cannot be read later on.</summary>
    private static void CheckTexts(JsonElement element, string name)
    {
        try
        {
            switch (element.ValueKind)
            {
                case JsonValueKind.String:
                    element.GetString();
                    break;
                case JsonValueKind.Array:
                    foreach (var item in element.EnumerateArray())
                    {
                        CheckTexts(item, name);
                    }

                    break;
                case JsonValueKind.Object:
                    foreach (var property in element.EnumerateObject())
                    {
                        CheckTexts(property.Value, name.Length == 0 ? property.Name : $"{name}.{property.Name}");
                    }

                    break;
            }
        }
        catch (InvalidOperationException)
        {
            throw Fault.BadRequest($"Invalid input for field/attribute {name}: it is not well-formed Unicode.");
        }
    }
}
