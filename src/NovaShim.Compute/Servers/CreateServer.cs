using NovaShim.Compute.SecurityGroups;
using NovaShim.Compute.ServerGroups;
using NovaShim.Sdk;

namespace NovaShim.Compute.Servers;

/// <summary>What a user asks for when creating a server; every value has been checked by the API.</summary>
public sealed record CreateServer
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The image's UUID.</summary>
    public required string ImageRef { get; init; }

    /// <summary>The flavor.</summary>
    public required Flavor Flavor { get; init; }

    /// <summary>The user's metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>The name of the key pair.</summary>
    public string? KeyName { get; init; }

    /// <summary>Its public key.</summary>
    public string? KeyData { get; init; }

    /// <summary>The user's data for the guest, in base64.</summary>
    public string? UserData { get; init; }

    /// <summary>Whether a config drive is wanted.</summary>
    public bool ConfigDrive { get; init; }

    /// <summary>Whether it is to have no network interface.</summary>
    public bool WithoutNetwork { get; init; }

    /// <summary>The administrator's password of the guest, and the files to be put into it.</summary>
    public GuestRequest Guest { get; init; } = new();

    /// <summary>The availability zone; <c>zone:host</c> from an administrator asks for that host.</summary>
    public string? AvailabilityZone { get; init; }

    /// <summary>The security groups; null: the tenant's default group.</summary>
    public IReadOnlyList<SecurityGroupReference>? SecurityGroups { get; init; }

    /// <summary>What is asked for of the host beside its zone.</summary>
    public SchedulerHints? Hints { get; init; }

    /// <summary><c>AUTO</c> or <c>MANUAL</c>.</summary>
    public string DiskConfig { get; init; } = "MANUAL";

    /// <summary>The user's IPv4 address of access, as written.</summary>
    public string AccessIpV4 { get; init; } = "";

    /// <summary>The user's IPv6 address of access, as written.</summary>
    public string AccessIpV6 { get; init; } = "";
}
