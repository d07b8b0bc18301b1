namespace NovaShim.Api.Limits;

/// <summary>What a tenant may have: section <c>quota</c> of the configuration, with Nova's defaults. -1: as much as there is.</summary>
internal sealed record QuotaOptions
{
    /// <summary>Servers.</summary>
    public int Instances { get; init; } = 10;

    /// <summary>Virtual CPUs.</summary>
    public int Cores { get; init; } = 20;

    /// <summary>Memory in MiB.</summary>
    public int Ram { get; init; } = 51_200;

    /// <summary>Items of metadata of a server.</summary>
    public int MetadataItems { get; init; } = 128;
}
