using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.XenServerSimulator.XenApi.Calls;

namespace NovaShim.XenServerSimulator.XenApi.Wire;

/// <summary>XML-RPC at <c>/</c> and JSON-RPC 1.0 and 2.0 at <c>/jsonrpc</c>.</summary>
internal sealed class RpcEndpoints(Dispatcher dispatcher)
{
    /// <summary>A body longer than this (bytes) is refused.</summary>
    private const int BodyLimit = 300 * 1024;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/", context => AnswerAsync(context, "text/xml", XmlRpcAsync));
        routes.MapPost("/RPC2", context => AnswerAsync(context, "text/xml", XmlRpcAsync));
        routes.MapPost("/jsonrpc", context => AnswerAsync(context, "application/json", JsonRpcAsync));
    }

    private static async Task AnswerAsync(HttpContext context, string contentType, Func<string, bool, CancellationToken, Task<byte[]>> answer)
    {
        HttpResponse response = context.Response;
        response.Headers.AccessControlAllowOrigin = "*";
        (byte[]? body, int length) = await ReadBodyAsync(context.Request, context.RequestAborted);
        if (body is null)
        {
            response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return;
        }

        try
        {
            bool valid = true;
            string text;
            try
            {
                text = StrictUtf8.GetString(body, 0, length);
            }
            catch (DecoderFallbackException)
            {
                valid = false;
                text = Encoding.UTF8.GetString(body, 0, length);
            }

            byte[] bytes = await answer(text, valid, context.RequestAborted);
            response.ContentType = contentType;
            response.ContentLength = bytes.Length;
            await response.Body.WriteAsync(bytes, context.RequestAborted);
        }
        catch (MalformedCallException)
        {
            response.StatusCode = StatusCodes.Status500InternalServerError;
            response.ContentType = "text/html";
            await response.WriteAsync("<html><body><h1>HTTP 500 internal server error</h1>An unexpected error occurred.</body></html>", context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The client hung up or the host goes down; nobody is left to answer.
            context.Abort();
        }
    }

    private static async Task<(byte[]? Body, int Length)> ReadBodyAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (request.ContentLength > BodyLimit)
        {
            return (null, 0);
        }

        byte[] body = new byte[BodyLimit + 1];
        int length = await request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellation);
        return length > BodyLimit ? (null, 0) : (body, length);
    }

    private async Task<byte[]> XmlRpcAsync(string body, bool isUtf8, CancellationToken clientGone)
    {
        (string method, IReadOnlyList<object?> parameters) = XmlRpc.ReadCall(body);
        object? response;
        if (method == "system.listMethods")
        {
            // The one answer without a Status.
            response = Values.Set(dispatcher.MethodNames);
        }
        else
        {
            try
            {
                object? result = await CallAsync(method, parameters, isUtf8, clientGone);
                response = new Dictionary<string, object> { ["Status"] = "Success", ["Value"] = result ?? "" };
            }
            catch (ApiFailure failure)
            {
                response = new Dictionary<string, object> { ["Status"] = "Failure", ["ErrorDescription"] = Values.Set(failure.Description) };
            }
        }

        return Encoding.UTF8.GetBytes(XmlRpc.WriteResponse(response));
    }

    private async Task<byte[]> JsonRpcAsync(string body, bool isUtf8, CancellationToken clientGone)
    {
        (string method, IReadOnlyList<object?> parameters, object id, bool isVersion2) = ReadJson(body);
        ApiFailure? failure = null;
        object? result = null;
        try
        {
            result = method == "system.listMethods" ? Values.Set(dispatcher.MethodNames) : await CallAsync(method, parameters, isUtf8, clientGone);
        }
        catch (ApiFailure caught)
        {
            failure = caught;
        }

        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer))
        {
            writer.WriteStartObject();
            if (isVersion2)
            {
                writer.WriteString("jsonrpc", "2.0");
                WriteVersion2(writer, result, failure);
            }
            else
            {
                WriteVersion1(writer, result, failure);
            }

            writer.WritePropertyName("id");
            JsonValues.Write(writer, id);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private async Task<object?> CallAsync(string method, IReadOnlyList<object?> parameters, bool isUtf8, CancellationToken clientGone)
    {
        if (!isUtf8 && parameters.SelectMany(Strings).FirstOrDefault(text => text.Contains('\uFFFD', StringComparison.Ordinal)) is { } broken)
        {
            throw ApiFailure.InvalidValue("Invalid UTF-8 string in parameter", broken);
        }

        return method.StartsWith("system.isAlive", StringComparison.Ordinal)
            ? parameters.Count > 0 ? parameters[0] : ""
            : await dispatcher.DispatchAsync(method, parameters, clientGone);
    }

    private static IEnumerable<string> Strings(object? value) => value switch
    {
        string text => [text],
        ValueMap map => map.Keys.Concat(map.Values.SelectMany(Strings)),
        ValueSet set => set.SelectMany(Strings),
        _ => [],
    };

    private static (string Method, IReadOnlyList<object?> Parameters, object Id, bool IsVersion2) ReadJson(string body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            JsonElement call = document.RootElement;
            if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("method", out JsonElement method) || method.ValueKind != JsonValueKind.String)
            {
                throw new MalformedCallException("no method");
            }

            bool isVersion2 = call.TryGetProperty("jsonrpc", out JsonElement version);
            if (isVersion2 && !(version.ValueKind == JsonValueKind.String && version.GetString() == "2.0"))
            {
                throw new MalformedCallException("a version of JSON-RPC that is not spoken here");
            }

            object id = call.TryGetProperty("id", out JsonElement given) && JsonValues.Read(given) is { } value and (string or long)
                ? value
                : throw new MalformedCallException("no id");
            bool hasParameters = call.TryGetProperty("params", out JsonElement parameters);
            if (hasParameters ? parameters.ValueKind != JsonValueKind.Array : !isVersion2)
            {
                throw new MalformedCallException("no array of params");
            }

            return (method.GetString()!, hasParameters ? (IReadOnlyList<object?>)JsonValues.Read(parameters)! : [], id, isVersion2);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: half a surrogate pair, which no string can hold.
            throw new MalformedCallException(error.Message);
        }
    }

    private static void WriteVersion1(Utf8JsonWriter writer, object? result, ApiFailure? failure)
    {
        if (failure is null)
        {
            writer.WritePropertyName("result");
            JsonValues.Write(writer, result);
            writer.WriteNull("error");
        }
        else
        {
            writer.WriteNull("result");
            writer.WritePropertyName("error");
            JsonValues.Write(writer, Values.Set(failure.Description));
        }
    }

    private static void WriteVersion2(Utf8JsonWriter writer, object? result, ApiFailure? failure)
    {
        if (failure is null)
        {
            writer.WritePropertyName("result");
            JsonValues.Write(writer, result);
        }
        else
        {
            writer.WriteStartObject("error");
            writer.WriteNumber("code", 1);
            writer.WriteString("message", failure.Code);
            writer.WritePropertyName("data");
            JsonValues.Write(writer, Values.Set(failure.Parameters));
            writer.WriteEndObject();
        }
    }
}
