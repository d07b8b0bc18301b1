namespace NovaShim.Compute.Quotas;

/// <summary>What there are quotas of, in Nova's names.</summary>
public static class QuotaResources
{
    /// <summary>Servers.</summary>
    public const string Instances = "instances";

    /// <summary>Virtual CPUs.</summary>
    public const string Cores = "cores";

    /// <summary>Memory in MiB.</summary>
    public const string Ram = "ram";

    /// <summary>Items of metadata of a server or an image.</summary>
    public const string MetadataItems = "metadata_items";

    /// <summary>Files put into a server.</summary>
    public const string InjectedFiles = "injected_files";

    /// <summary>Bytes of such a file.</summary>
    public const string InjectedFileContentBytes = "injected_file_content_bytes";

    /// <summary>Bytes of such a file's path.</summary>
    public const string InjectedFilePathBytes = "injected_file_path_bytes";

    /// <summary>Key pairs of a user.</summary>
    public const string KeyPairs = "key_pairs";

    /// <summary>Floating addresses.</summary>
    public const string FloatingIps = "floating_ips";

    /// <summary>Fixed addresses.</summary>
    public const string FixedIps = "fixed_ips";

    /// <summary>Security groups.</summary>
    public const string SecurityGroups = "security_groups";

    /// <summary>Rules of a security group.</summary>
    public const string SecurityGroupRules = "security_group_rules";

    /// <summary>Server groups.</summary>
    public const string ServerGroups = "server_groups";

    /// <summary>Servers of a server group.</summary>
    public const string ServerGroupMembers = "server_group_members";

    /// <summary>All of them, in the order in which they are shown.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        Instances, Cores, Ram, MetadataItems, InjectedFiles, InjectedFileContentBytes, InjectedFilePathBytes, KeyPairs, FloatingIps, FixedIps, SecurityGroups, SecurityGroupRules, ServerGroups,
        ServerGroupMembers,
    ];
}
