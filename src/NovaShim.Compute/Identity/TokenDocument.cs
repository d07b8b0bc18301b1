using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Identity;

/// <summary>A token somebody logged in for. Its key is the SHA-256 of the token in hexadecimal: whoever reads the store has no token.</summary>
public sealed record TokenDocument : Document
{
    /// <summary>The user's id.</summary>
    public required string UserId { get; init; }

    /// <summary>The user's name.</summary>
    public required string UserName { get; init; }

    /// <summary>The tenant it is scoped to.</summary>
    public required string ProjectId { get; init; }

    /// <summary>The tenant's name.</summary>
    public required string ProjectName { get; init; }

    /// <summary>The domain of both, by id.</summary>
    public string DomainId { get; init; } = "default";

    /// <summary>Whether the user is an administrator.</summary>
    public bool IsAdmin { get; init; }

    /// <summary>When it was issued (UTC).</summary>
    public DateTime IssuedAt { get; init; }

    /// <summary>When it ends (UTC).</summary>
    public DateTime ExpiresAt { get; init; }
}
