using NovaShim.Compute.Documents;

namespace NovaShim.Compute.KeyPairs;

/// <summary>A user's key pair: its public half. The private half is known to the user alone.</summary>
public sealed record KeyPairDocument : Document
{
    /// <summary>Nova's integer id.</summary>
    public required int Id { get; init; }

    /// <summary>Whose it is. Key pairs belong to users, not to tenants.</summary>
    public required string UserId { get; init; }

    /// <summary>Its name; unique among the user's.</summary>
    public required string Name { get; init; }

    /// <summary><c>ssh</c>.</summary>
    public string Type { get; init; } = "ssh";

    /// <summary>MD5 of the key, in pairs of hexadecimal digits with colons between them.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The public key in OpenSSH's form.</summary>
    public required string PublicKey { get; init; }

    /// <summary>The key of the document.</summary>
    public static string KeyOf(string userId, string name) => $"{userId}/{name}";
}
