namespace NovaShim.Api.Identity;

/// <summary>Settings of the built-in identity: section <c>identity</c> of the configuration, without its users.</summary>
internal sealed record IdentityOptions
{
    /// <summary>How long a token is good, in hours.</summary>
    public double TokenHours { get; init; } = 24;
}
