namespace NovaShim.Sdk;

/// <summary>A server as a driver needs to know it (a row of Nova's <c>instances</c>, without what is the API's business).</summary>
public sealed record Instance
{
    /// <summary>The server's UUID, in lower case with hyphens.</summary>
    public required string Uuid { get; init; }

    /// <summary>Nova's instance name, unique and made of <c>[a-z0-9-]</c> only (<c>instance-0000002a</c>): safe as a file or VM name.</summary>
    public required string Name { get; init; }

    /// <summary>The name the user gave. Arbitrary text: quotes, newlines and slashes included; never hand it to a shell.</summary>
    public required string DisplayName { get; init; }

    /// <summary>The tenant that owns the server.</summary>
    public required string ProjectId { get; init; }

    /// <summary>The user who created the server.</summary>
    public required string UserId { get; init; }

    /// <summary>The flavor the server has now (during a resize: the old one until the new VM is proven).</summary>
    public required Flavor Flavor { get; init; }

    /// <summary>The user's metadata. Arbitrary text.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>The name of the key pair the user chose; null when there is none.</summary>
    public string? KeyName { get; init; }

    /// <summary>The public key the user chose, as one line of OpenSSH's <c>authorized_keys</c>; null when there is none.</summary>
    public string? KeyData { get; init; }

    /// <summary>What the user wants the guest to find at its first boot, in base64, at most 65,535 characters; null when there is nothing.</summary>
    public string? UserData { get; init; }

    /// <summary>Whether the server has a drive that carries the guest's configuration: its user asked for it, or a host has made one unasked.</summary>
    public bool ConfigDrive { get; init; }

    /// <summary>The availability zone that was asked for; null when none was.</summary>
    public string? AvailabilityZone { get; init; }

    /// <summary>Which of the servers it is that one request created: 0, 1 …</summary>
    public int LaunchIndex { get; init; }

    /// <summary>Whether the user asked for a server without any network interface.</summary>
    public bool WithoutNetwork { get; init; }
}
