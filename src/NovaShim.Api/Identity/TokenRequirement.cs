namespace NovaShim.Api.Identity;

/// <summary>Metadata of a route: a valid token is needed.</summary>
/// <param name="AdminOnly">An administrator's.</param>
internal sealed record TokenRequirement(bool AdminOnly);
