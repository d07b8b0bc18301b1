using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Agents;

/// <summary>Which guest agent is the one to have for a kind of guest: a row of Nova's <c>agent_builds</c>.</summary>
public sealed record AgentBuildDocument : Document
{
    /// <summary>Nova's integer id.</summary>
    public required int Id { get; init; }

    /// <summary>The kind of hypervisor.</summary>
    public required string Hypervisor { get; init; }

    /// <summary>The guest's operating system.</summary>
    public required string Os { get; init; }

    /// <summary>The guest's architecture.</summary>
    public required string Architecture { get; init; }

    /// <summary>The agent's version.</summary>
    public required string Version { get; init; }

    /// <summary>Where it is.</summary>
    public required string Url { get; init; }

    /// <summary>Its MD5, in hexadecimal.</summary>
    public required string Md5Hash { get; init; }
}
