using System.Text.Json.Serialization;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Plugins;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Admin;

/// <summary>The JSON of the stored documents, nulls and all, as OData shows them. <see cref="AdminModel.Json"/> takes out what is not for showing.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(MigrationDocument))]
[JsonSerializable(typeof(InstanceDocument))]
[JsonSerializable(typeof(InstanceActionDocument))]
[JsonSerializable(typeof(ComputeNodeDocument))]
[JsonSerializable(typeof(PluginDocument))]
internal sealed partial class AdminJson : JsonSerializerContext;
