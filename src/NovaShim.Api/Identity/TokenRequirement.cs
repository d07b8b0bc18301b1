namespace NovaShim.Api.Identity;

/// <summary>Metadata of a route: a valid token is needed.</summary>
/// <param name="AdminOnly">An administrator's.</param>
/// <param name="Unscoped">One without a tenant will do.</param>
internal sealed record TokenRequirement(bool AdminOnly, bool Unscoped = false);
