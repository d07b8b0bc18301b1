using System.Text.Json.Serialization;

namespace NovaShim.Api.Identity;

/// <summary>A tenant.</summary>
internal sealed record TenantV2(string Id, string Name, bool Enabled);

/// <summary>A token with its secret, as v2.0 hands it out.</summary>
internal sealed record TokenV2(string Id, string IssuedAt, string Expires, TenantV2? Tenant);

/// <summary>An endpoint.</summary>
internal sealed record EndpointV2(
    string Id,
    string Region,
    [property: JsonPropertyName("publicURL")] string PublicUrl,
    [property: JsonPropertyName("internalURL")] string InternalUrl,
    [property: JsonPropertyName("adminURL")] string AdminUrl);

/// <summary>A service.</summary>
internal sealed record ServiceV2(string Type, string Name, IReadOnlyList<EndpointV2> Endpoints);

/// <summary>A role.</summary>
internal sealed record RoleV2(string Name);

/// <summary>The user.</summary>
internal sealed record UserV2(string Id, string Name, string Username, IReadOnlyList<RoleV2> Roles);

/// <summary>What was granted.</summary>
internal sealed record AccessV2(TokenV2 Token, [property: JsonPropertyName("serviceCatalog")] IReadOnlyList<ServiceV2> ServiceCatalog, UserV2 User);

/// <summary>What was granted.</summary>
internal sealed record AccessEnvelope(AccessV2 Access);

/// <summary>Tenants, on one page.</summary>
internal sealed record TenantsEnvelope(IReadOnlyList<TenantV2> Tenants, IReadOnlyList<Requests.Link> TenantsLinks);
