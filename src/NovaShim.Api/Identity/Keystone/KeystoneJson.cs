using System.Text.Json.Serialization;

namespace NovaShim.Api.Identity.Keystone;

/// <summary>What is read of Keystone's answer about a token.</summary>
internal sealed record KeystoneTokenEnvelope(KeystoneToken? Token);

/// <summary>A token.</summary>
internal sealed record KeystoneToken(KeystoneReference? User, KeystoneReference? Project, IReadOnlyList<KeystoneReference>? Roles, IReadOnlyList<string>? Methods, DateTimeOffset? IssuedAt, DateTimeOffset? ExpiresAt,
    IReadOnlyList<KeystoneCatalogService>? Catalog);

/// <summary>A service of the catalog.</summary>
internal sealed record KeystoneCatalogService(string? Type, IReadOnlyList<KeystoneEndpoint>? Endpoints);

/// <summary>Where a service is.</summary>
internal sealed record KeystoneEndpoint(string? Interface, string? RegionId, string? Region, string? Url);

/// <summary>The service user's own token.</summary>
/// <param name="Secret">What is sent.</param>
/// <param name="Until">Until when it is used.</param>
/// <param name="Catalog">Where the cloud's services are.</param>
internal sealed record KeystoneService(string Secret, DateTimeOffset Until, IReadOnlyList<KeystoneCatalogService> Catalog);

/// <summary>A user, project or role.</summary>
internal sealed record KeystoneReference(string? Id, string? Name);

/// <summary>The projects of a user.</summary>
internal sealed record KeystoneProjects(IReadOnlyList<KeystoneReference>? Projects);

/// <summary>A login.</summary>
internal sealed record KeystoneLogin(KeystoneAuth Auth);

/// <summary>Who, and for which project.</summary>
internal sealed record KeystoneAuth(KeystoneProof Identity, KeystoneScope? Scope);

/// <summary>How the user proves who they are.</summary>
internal sealed record KeystoneProof(IReadOnlyList<string> Methods, KeystonePassword? Password, KeystoneReference? Token);

/// <summary>By a password.</summary>
internal sealed record KeystonePassword(KeystoneUser User);

/// <summary>A name, its domain and a password.</summary>
internal sealed record KeystoneUser(string Name, KeystoneReference Domain, string Password);

/// <summary>A scope.</summary>
internal sealed record KeystoneScope(KeystoneProject Project);

/// <summary>A project by its id, or by its name and domain.</summary>
internal sealed record KeystoneProject(string? Id, string? Name, KeystoneReference? Domain);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(KeystoneTokenEnvelope))]
[JsonSerializable(typeof(KeystoneProjects))]
[JsonSerializable(typeof(KeystoneLogin))]
internal sealed partial class KeystoneJson : JsonSerializerContext;
