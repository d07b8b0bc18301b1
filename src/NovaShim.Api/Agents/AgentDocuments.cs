using System.Text.Json.Serialization;

namespace NovaShim.Api.Agents;

/// <summary>A build of the guest agent. What an answer does not have is null.</summary>
/// <param name="AgentId">Nova's integer id; the answer to an update has it as a text, as it was asked for.</param>
internal sealed record AgentView(object AgentId, string? Hypervisor, string? Os, string? Architecture, string Version, string Url, [property: JsonPropertyName("md5hash")] string Md5Hash);

/// <summary>One build.</summary>
internal sealed record AgentEnvelope(AgentView Agent);

/// <summary>Builds.</summary>
internal sealed record AgentsEnvelope(IReadOnlyList<AgentView> Agents);
