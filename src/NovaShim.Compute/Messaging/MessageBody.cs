using System.Text.Json;

namespace NovaShim.Compute.Messaging;

/// <summary>The body of a message on the wire: JSON in UTF-8.</summary>
public static class MessageBody
{
    /// <summary>Writes a message.</summary>
    public static byte[] Write(Message message) => JsonSerializer.SerializeToUtf8Bytes(message, MessageJson.Default.Message);

    /// <summary>Reads a message. Throws <see cref="JsonException"/> when the body is none: malformed JSON, or a name that must be there is missing or null.</summary>
    public static Message Read(ReadOnlySpan<byte> body) => JsonSerializer.Deserialize(body, MessageJson.Default.Message) ?? throw new JsonException("The body is null.");
}
