using System.Text.Json.Serialization;

namespace NovaShim.Api.Limits;

/// <summary>Absolute limits and what is used of them.</summary>
internal sealed record AbsoluteLimits
{
    /// <summary>Servers.</summary>
    [JsonPropertyName("maxTotalInstances")]
    public int MaxTotalInstances { get; init; }

    /// <summary>Virtual CPUs.</summary>
    [JsonPropertyName("maxTotalCores")]
    public int MaxTotalCores { get; init; }

    /// <summary>Memory in MiB.</summary>
    [JsonPropertyName("maxTotalRAMSize")]
    public int MaxTotalRamSize { get; init; }

    /// <summary>Items of metadata of a server.</summary>
    [JsonPropertyName("maxServerMeta")]
    public int MaxServerMeta { get; init; }

    /// <summary>Items of metadata of an image.</summary>
    [JsonPropertyName("maxImageMeta")]
    public int MaxImageMeta { get; init; }

    /// <summary>Files to be put into a server.</summary>
    [JsonPropertyName("maxPersonality")]
    public int MaxPersonality { get; init; }

    /// <summary>The length of such a file.</summary>
    [JsonPropertyName("maxPersonalitySize")]
    public int MaxPersonalitySize { get; init; }

    /// <summary>Key pairs.</summary>
    [JsonPropertyName("maxTotalKeypairs")]
    public int MaxTotalKeypairs { get; init; }

    /// <summary>Floating addresses.</summary>
    [JsonPropertyName("maxTotalFloatingIps")]
    public int MaxTotalFloatingIps { get; init; }

    /// <summary>Security groups.</summary>
    [JsonPropertyName("maxSecurityGroups")]
    public int MaxSecurityGroups { get; init; }

    /// <summary>Rules of a security group.</summary>
    [JsonPropertyName("maxSecurityGroupRules")]
    public int MaxSecurityGroupRules { get; init; }

    /// <summary>Server groups.</summary>
    [JsonPropertyName("maxServerGroups")]
    public int MaxServerGroups { get; init; }

    /// <summary>Servers of a server group.</summary>
    [JsonPropertyName("maxServerGroupMembers")]
    public int MaxServerGroupMembers { get; init; }

    /// <summary>Servers there are.</summary>
    [JsonPropertyName("totalInstancesUsed")]
    public int TotalInstancesUsed { get; init; }

    /// <summary>Virtual CPUs they have.</summary>
    [JsonPropertyName("totalCoresUsed")]
    public long TotalCoresUsed { get; init; }

    /// <summary>Memory they have, in MiB.</summary>
    [JsonPropertyName("totalRAMUsed")]
    public long TotalRamUsed { get; init; }

    /// <summary>Always 0: there is no network service to have them from.</summary>
    [JsonPropertyName("totalFloatingIpsUsed")]
    public int TotalFloatingIpsUsed { get; init; }

    /// <summary>Always 1: the one that every server is in.</summary>
    [JsonPropertyName("totalSecurityGroupsUsed")]
    public int TotalSecurityGroupsUsed { get; init; }

    /// <summary>Server groups there are.</summary>
    [JsonPropertyName("totalServerGroupsUsed")]
    public int TotalServerGroupsUsed { get; init; }
}

/// <summary>A limit of calls per time.</summary>
internal sealed record RateLimitView(string Verb, int Value, int Remaining, string Unit, [property: JsonPropertyName("next-available")] string NextAvailable);

/// <summary>The limits of calls to the same place.</summary>
internal sealed record RateLimitsView(string Uri, string Regex, IReadOnlyList<RateLimitView> Limit);

/// <summary>Both kinds of limits.</summary>
internal sealed record LimitsDocument(IReadOnlyList<RateLimitsView> Rate, AbsoluteLimits Absolute);

/// <summary>Both kinds of limits.</summary>
internal sealed record LimitsEnvelope(LimitsDocument Limits);
