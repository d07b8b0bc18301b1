using System.Text.Json.Serialization;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.KeyPairs;

/// <summary>A key pair; which keys are there depends on the answer: list, create or show.</summary>
internal sealed record KeyPairView
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The public half.</summary>
    public required string PublicKey { get; init; }

    /// <summary>MD5 of the public half.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Whose it is; left out of lists.</summary>
    public string? UserId { get; init; }

    /// <summary>The private half, in the answer that made it and never again.</summary>
    public string? PrivateKey { get; init; }

    /// <summary>Nova's integer id; in a show only, as what follows.</summary>
    public int? Id { get; init; }

    /// <summary>Always false: what is deleted is gone.</summary>
    public bool? Deleted { get; init; }

    /// <summary>When it was made.</summary>
    public string? CreatedAt { get; init; }

    /// <summary>Always null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ShownText UpdatedAt { get; init; }

    /// <summary>Always null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ShownText DeletedAt { get; init; }
}

/// <summary>One key pair.</summary>
internal sealed record KeyPairEnvelope(KeyPairView Keypair);

/// <summary>A user's key pairs, each in an envelope of its own.</summary>
internal sealed record KeyPairsEnvelope(IReadOnlyList<KeyPairEnvelope> Keypairs, IReadOnlyList<Link>? KeypairsLinks);
