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

    /// <summary>Key pairs of a user.</summary>
    public int KeyPairs { get; init; } = 100;

    /// <summary>Files to be put into a server.</summary>
    public int InjectedFiles { get; init; } = 5;

    /// <summary>Bytes of such a file.</summary>
    public int InjectedFileContentBytes { get; init; } = 10_240;

    /// <summary>Bytes of such a file's path.</summary>
    public int InjectedFilePathBytes { get; init; } = 255;
}
