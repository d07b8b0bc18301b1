using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace NovaShim.XenServer.XenApi;

/// <summary>How XenAPI's values are read: field names as they are on the wire, integers as numbers or as decimal strings.</summary>
[JsonSourceGenerationOptions(NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(double))]
[JsonSerializable(typeof(List<string>))]
[JsonSerializable(typeof(VM))]
[JsonSerializable(typeof(Dictionary<string, VM>))]
[JsonSerializable(typeof(List<DataSource>))]
[JsonSerializable(typeof(VMGuestMetrics))]
[JsonSerializable(typeof(VBD))]
[JsonSerializable(typeof(VDI))]
[JsonSerializable(typeof(Dictionary<string, VDI>))]
[JsonSerializable(typeof(VIF))]
[JsonSerializable(typeof(SR))]
[JsonSerializable(typeof(Dictionary<string, Host>))]
[JsonSerializable(typeof(HostMetrics))]
[JsonSerializable(typeof(Dictionary<string, Network>))]
[JsonSerializable(typeof(XenTask))]
internal sealed partial class XenApiJson : JsonSerializerContext
{
    /// <summary>An unset reference.</summary>
    public const string Null = "OpaqueRef:NULL";

    /// <summary>A map as a parameter.</summary>
    public static JsonObject Map(IEnumerable<KeyValuePair<string, string>> map) => [.. map.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value))];
}
