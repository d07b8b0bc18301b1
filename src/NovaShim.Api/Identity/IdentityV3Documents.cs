using System.Text.Json.Serialization;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Identity;

/// <summary>A domain, role, project or user by id and name.</summary>
internal sealed record NamedReference(string Id, string Name);

/// <summary>A project or user and the domain it is in.</summary>
internal sealed record DomainMember(string Id, string Name, NamedReference Domain);

/// <summary>An endpoint of a service.</summary>
internal sealed record EndpointDocument(string Id, string Interface, string Region, string RegionId, string Url);

/// <summary>A service of the catalog.</summary>
internal sealed record CatalogEntry(string Id, string Type, string Name, IReadOnlyList<EndpointDocument> Endpoints);

/// <summary>A token as Identity v3 shows it.</summary>
internal sealed record TokenV3
{
    /// <summary>How the user proved who they are.</summary>
    public required IReadOnlyList<string> Methods { get; init; }

    /// <summary>The user.</summary>
    public required DomainMember User { get; init; }

    /// <summary>An id of the token that is no secret.</summary>
    public required IReadOnlyList<string> AuditIds { get; init; }

    /// <summary>When it was issued.</summary>
    public required string IssuedAt { get; init; }

    /// <summary>When it ends.</summary>
    public required string ExpiresAt { get; init; }

    /// <summary>The tenant it is scoped to.</summary>
    public required DomainMember Project { get; init; }

    /// <summary>Always false: projects are no domains here.</summary>
    public bool IsDomain { get; init; }

    /// <summary>The user's roles.</summary>
    public required IReadOnlyList<NamedReference> Roles { get; init; }

    /// <summary>The services; left out where the client asks for that.</summary>
    public IReadOnlyList<CatalogEntry>? Catalog { get; init; }
}

/// <summary>A token.</summary>
internal sealed record TokenV3Envelope(TokenV3 Token);

/// <summary>The catalog by itself.</summary>
internal sealed record CatalogEnvelope(IReadOnlyList<CatalogEntry> Catalog);

/// <summary>A project.</summary>
internal sealed record ProjectDocument(string Id, string Name, string DomainId, bool Enabled, bool IsDomain, string ParentId, string Description);

/// <summary>Projects.</summary>
internal sealed record ProjectsEnvelope(IReadOnlyList<ProjectDocument> Projects);

/// <summary>A version of the Identity API.</summary>
internal sealed record IdentityVersion
{
    /// <summary><c>v3.14</c> or <c>v2.0</c>.</summary>
    public required string Id { get; init; }

    /// <summary><c>stable</c> or <c>deprecated</c>.</summary>
    public required string Status { get; init; }

    /// <summary>When it was last changed.</summary>
    public required string Updated { get; init; }

    /// <summary>Where it is.</summary>
    public required IReadOnlyList<Link> Links { get; init; }

    /// <summary>The formats it speaks.</summary>
    [JsonPropertyName("media-types")]
    public IReadOnlyList<Versions.MediaTypeDocument> MediaTypes { get; init; } = [];
}

/// <summary>One version.</summary>
internal sealed record IdentityVersionEnvelope(IdentityVersion Version);

/// <summary>All versions, in the form identity has for them.</summary>
internal sealed record IdentityVersionsEnvelope(IdentityVersionValues Versions);

/// <summary>The list in it.</summary>
internal sealed record IdentityVersionValues(IReadOnlyList<IdentityVersion> Values);
