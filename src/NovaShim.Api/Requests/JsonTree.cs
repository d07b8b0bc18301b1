using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace NovaShim.Api.Requests;

/// <summary>Trees of JSON that are made of other formats.</summary>
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class JsonTree : JsonSerializerContext;
