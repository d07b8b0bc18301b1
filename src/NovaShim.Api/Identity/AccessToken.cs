namespace NovaShim.Api.Identity;

/// <summary>What a valid token says, whoever issued it.</summary>
internal sealed record AccessToken
{
    /// <summary>The user's id.</summary>
    public required string UserId { get; init; }

    /// <summary>The user's name.</summary>
    public required string UserName { get; init; }

    /// <summary>The tenant it is scoped to; null for a token without one, which opens nothing but identity.</summary>
    public string? ProjectId { get; init; }

    /// <summary>The tenant's name.</summary>
    public string? ProjectName { get; init; }

    /// <summary>The user's roles in the tenant.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [];

    /// <summary>Whether the user is an administrator.</summary>
    public bool IsAdmin { get; init; }

    /// <summary>How the user proved who they are.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    /// <summary>An id of the token that is no secret.</summary>
    public string AuditId { get; init; } = "";

    /// <summary>When it was issued (UTC).</summary>
    public DateTime IssuedAt { get; init; }

    /// <summary>When it ends (UTC).</summary>
    public DateTime ExpiresAt { get; init; }
}

/// <summary>A token as it is handed out.</summary>
/// <param name="Secret">What the user sends; kept by nobody else.</param>
/// <param name="Token">What it says.</param>
internal sealed record IssuedToken(string Secret, AccessToken Token);
