using Microsoft.Extensions.Configuration;
using NovaShim.Compute.Quotas;

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

    /// <summary>Floating addresses.</summary>
    public int FloatingIps { get; init; } = 10;

    /// <summary>Fixed addresses.</summary>
    public int FixedIps { get; init; } = -1;

    /// <summary>Security groups.</summary>
    public int SecurityGroups { get; init; } = 10;

    /// <summary>Rules of a security group.</summary>
    public int SecurityGroupRules { get; init; } = 20;

    /// <summary>Server groups.</summary>
    public int ServerGroups { get; init; } = 10;

    /// <summary>Servers of a server group.</summary>
    public int ServerGroupMembers { get; init; } = 10;

    /// <summary>What is configured, over Nova's defaults.</summary>
    public static QuotaOptions Read(IConfiguration section)
    {
        var defaults = new QuotaOptions().ByResource();
        return Of(defaults.ToDictionary(d => d.Key, d => section.GetValue(d.Key, d.Value)));
    }

    /// <summary>From limits by resource, which are to be all of them.</summary>
    public static QuotaOptions Of(IReadOnlyDictionary<string, int> limits) => new()
    {
        Instances = limits[QuotaResources.Instances], Cores = limits[QuotaResources.Cores], Ram = limits[QuotaResources.Ram], MetadataItems = limits[QuotaResources.MetadataItems],
        KeyPairs = limits[QuotaResources.KeyPairs], InjectedFiles = limits[QuotaResources.InjectedFiles], InjectedFileContentBytes = limits[QuotaResources.InjectedFileContentBytes],
        InjectedFilePathBytes = limits[QuotaResources.InjectedFilePathBytes], FloatingIps = limits[QuotaResources.FloatingIps], FixedIps = limits[QuotaResources.FixedIps],
        SecurityGroups = limits[QuotaResources.SecurityGroups], SecurityGroupRules = limits[QuotaResources.SecurityGroupRules], ServerGroups = limits[QuotaResources.ServerGroups],
        ServerGroupMembers = limits[QuotaResources.ServerGroupMembers],
    };

    /// <summary>The limits by resource.</summary>
    public IReadOnlyDictionary<string, int> ByResource() => new Dictionary<string, int>(StringComparer.Ordinal)
    {
        [QuotaResources.Instances] = Instances, [QuotaResources.Cores] = Cores, [QuotaResources.Ram] = Ram, [QuotaResources.MetadataItems] = MetadataItems,
        [QuotaResources.InjectedFiles] = InjectedFiles, [QuotaResources.InjectedFileContentBytes] = InjectedFileContentBytes, [QuotaResources.InjectedFilePathBytes] = InjectedFilePathBytes,
        [QuotaResources.KeyPairs] = KeyPairs, [QuotaResources.FloatingIps] = FloatingIps, [QuotaResources.FixedIps] = FixedIps, [QuotaResources.SecurityGroups] = SecurityGroups,
        [QuotaResources.SecurityGroupRules] = SecurityGroupRules, [QuotaResources.ServerGroups] = ServerGroups, [QuotaResources.ServerGroupMembers] = ServerGroupMembers,
    };
}
