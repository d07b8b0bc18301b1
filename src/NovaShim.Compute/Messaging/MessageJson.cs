using System.Text.Json.Serialization;

namespace NovaShim.Compute.Messaging;

/// <summary>How messages are written: Nova's names in snake_case.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(Message))]
[JsonSerializable(typeof(string))]
public sealed partial class MessageJson : JsonSerializerContext;
