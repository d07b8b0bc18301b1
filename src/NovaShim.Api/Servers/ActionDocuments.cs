using System.Text.Json.Serialization;
using NovaShim.Api.Representations;

namespace NovaShim.Api.Servers;

/// <summary>The password of a rescue VM.</summary>
internal sealed record AdminPassEnvelope([property: JsonPropertyName("adminPass")] string AdminPass);

/// <summary>What a server has written to its console.</summary>
internal sealed record ConsoleOutputEnvelope(string Output);

/// <summary>The password a guest has handed over, encrypted for its owner; empty when it has not.</summary>
internal sealed record ServerPasswordEnvelope(string Password);

/// <summary>A server's figures, under the hypervisor's names.</summary>
internal sealed class DiagnosticsDocument(IReadOnlyDictionary<string, double> figures) : Dictionary<string, double>(figures), IUnwrapped
{
    /// <inheritdoc/>
    [JsonIgnore]
    public string XmlName => "diagnostics";
}
