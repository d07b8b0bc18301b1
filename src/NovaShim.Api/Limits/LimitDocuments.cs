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

    /// <summary>Servers there are.</summary>
    [JsonPropertyName("totalInstancesUsed")]
    public int TotalInstancesUsed { get; init; }

    /// <summary>Virtual CPUs they have.</summary>
    [JsonPropertyName("totalCoresUsed")]
    public int TotalCoresUsed { get; init; }

    /// <summary>Memory they have, in MiB.</summary>
    [JsonPropertyName("totalRAMUsed")]
    public int TotalRamUsed { get; init; }
}

/// <summary>A limit of calls per time.</summary>
internal sealed record RateLimitView(string Verb, int Value, int Remaining, string Unit, [property: JsonPropertyName("next-available")] string NextAvailable);

/// <summary>The limits of calls to the same place.</summary>
internal sealed record RateLimitsView(string Uri, string Regex, IReadOnlyList<RateLimitView> Limit);

/// <summary>Both kinds of limits.</summary>
internal sealed record LimitsDocument(IReadOnlyList<RateLimitsView> Rate, AbsoluteLimits Absolute);

/// <summary>Both kinds of limits.</summary>
internal sealed record LimitsEnvelope(LimitsDocument Limits);

/// <summary>A tenant's quotas, those that are held.</summary>
internal sealed record QuotaSet(string Id, int Instances, int Cores, int Ram, int MetadataItems);

/// <summary>A tenant's quotas.</summary>
internal sealed record QuotaSetEnvelope(QuotaSet QuotaSet);
