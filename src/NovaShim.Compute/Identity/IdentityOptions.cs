namespace NovaShim.Compute.Identity;

/// <summary>Settings of the built-in identity: section <c>identity</c> of the configuration.</summary>
public sealed record IdentityOptions
{
    /// <summary>The least <see cref="PasswordIterations"/> that are taken.</summary>
    public const int LeastIterations = 1000;

    /// <summary>How long a token is good, in hours.</summary>
    public double TokenHours { get; init; } = 24;

    /// <summary>Rounds of PBKDF2 that a password costs whoever tries it.</summary>
    public int PasswordIterations { get; init; } = 210_000;
}
