using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace NovaShim.Api.Representations;

/// <summary>
/// What a handler answers: a status and a typed document, free of any format. <see cref="AnswerWriter"/> gives it one. The document's type carries its
/// names in JSON; another format finds its own by the type.
/// </summary>
internal sealed class Answer
{
    private Answer(int status, object? body, JsonTypeInfo? type) => (Status, Body, Type) = (status, body, type);

    /// <summary>The HTTP status.</summary>
    public int Status { get; }

    /// <summary>The document; null when there is none.</summary>
    public object? Body { get; }

    /// <summary>The document's shape in JSON.</summary>
    public JsonTypeInfo? Type { get; }

    /// <summary>Bytes that are the answer as they are, and their number; null for a document. The writer disposes the stream.</summary>
    public (Stream Content, long Length)? Bytes { get; private init; }

    /// <summary>Further headers.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>A document.</summary>
    public static Answer Of<T>(T body, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK, IReadOnlyDictionary<string, string>? headers = null) where T : class =>
        new(status, body, type) { Headers = headers ?? new Dictionary<string, string>() };

    /// <summary>Bytes as they are.</summary>
    public static Answer Of(Stream content, long length, IReadOnlyDictionary<string, string> headers) => new(StatusCodes.Status200OK, null, null) { Bytes = (content, length), Headers = headers };

    /// <summary>A status without a document.</summary>
    public static Answer Empty(int status, IReadOnlyDictionary<string, string>? headers = null) => new(status, null, null) { Headers = headers ?? new Dictionary<string, string>() };

    /// <summary>202 without a document: the work has begun.</summary>
    public static Answer Accepted { get; } = Empty(StatusCodes.Status202Accepted);

    /// <summary>204.</summary>
    public static Answer NoContent { get; } = Empty(StatusCodes.Status204NoContent);
}
