using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Identity;

/// <summary>
/// A token somebody logged in for. Its key is the SHA-256 of the token in hexadecimal: whoever reads the store has no token. What its user may do is not in it: that is looked up when it is used.
/// </summary>
public sealed record TokenDocument : Document
{
    /// <summary>The user's id.</summary>
    public required string UserId { get; init; }

    /// <summary>The tenant it is scoped to; null for one that is not.</summary>
    public string? ProjectId { get; init; }

    /// <summary>How the user proved who they are: <c>password</c>, <c>token</c>.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    /// <summary>The user's <see cref="UserDocument.TokenGeneration"/> when it was issued; it ends when that has moved on.</summary>
    public int Generation { get; init; }

    /// <summary>When it was issued (UTC).</summary>
    public DateTime IssuedAt { get; init; }

    /// <summary>When it ends (UTC).</summary>
    public DateTime ExpiresAt { get; init; }
}
