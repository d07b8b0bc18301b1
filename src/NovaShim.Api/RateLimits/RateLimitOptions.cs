using Microsoft.Extensions.Configuration;
using NovaShim.Api.Requests;

namespace NovaShim.Api.RateLimits;

/// <summary>Section <c>rate_limits</c> of the configuration.</summary>
/// <param name="Limits">What is held; empty when nothing is.</param>
/// <param name="Surfaces">Where.</param>
internal sealed record RateLimitOptions(IReadOnlyList<RateLimit> Limits, IReadOnlySet<Surface> Surfaces)
{
    /// <summary>Reads it. Off unless <c>enabled</c>; then on the surfaces that had it in their day, v1.1 and v2. Throws <see cref="InvalidOperationException"/> with the setting that is wrong.</summary>
    public static RateLimitOptions Of(IConfiguration configuration)
    {
        var section = configuration.GetSection("rate_limits");
        if (!section.GetValue("enabled", false))
        {
            return new RateLimitOptions([], new HashSet<Surface>());
        }

        var surfaces = section.GetSection("surfaces").Get<string[]>() ?? ["v1.1", "v2"];
        return new RateLimitOptions(RateLimit.Parse(section["rules"] ?? RateLimit.Default), surfaces.Select(SurfaceOf).ToHashSet());
    }

    private static Surface SurfaceOf(string name) => name switch
    {
        "v1.1" => Surface.V11,
        "v2" => Surface.V2,
        "v2.1" => Surface.V21,
        _ => throw new InvalidOperationException($"rate_limits:surfaces: '{name}' is not v1.1, v2 or v2.1."),
    };
}
