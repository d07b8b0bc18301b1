using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace NovaShim.XenServer.ConfigDrive;

/// <summary>How the documents are written: as they are put together.</summary>
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class ConfigDriveJson : JsonSerializerContext;
