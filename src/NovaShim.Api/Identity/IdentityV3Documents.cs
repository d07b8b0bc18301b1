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

    /// <summary>The tenant it is scoped to; a token that is to none has neither this nor what follows.</summary>
    public DomainMember? Project { get; init; }

    /// <summary>False: projects are no domains here.</summary>
    public bool? IsDomain { get; init; }

    /// <summary>The user's roles.</summary>
    public IReadOnlyList<NamedReference>? Roles { get; init; }

    /// <summary>The services; left out where the client asks for that.</summary>
    public IReadOnlyList<CatalogEntry>? Catalog { get; init; }
}

/// <summary>A token.</summary>
internal sealed record TokenV3Envelope(TokenV3 Token);

/// <summary>The catalog by itself.</summary>
internal sealed record CatalogEnvelope(IReadOnlyList<CatalogEntry> Catalog);

/// <summary>Where a document of identity is.</summary>
internal sealed record SelfLink(string Self);

/// <summary>Where a list of identity is. It has one page.</summary>
internal sealed record ListLinks(
    string Self,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Next = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Previous = null);

/// <summary>A project.</summary>
internal sealed record ProjectView(string Id, string Name, string DomainId, bool Enabled, bool IsDomain, string ParentId, string Description, IReadOnlyList<string> Tags, SelfLink Links);

/// <summary>One project.</summary>
internal sealed record ProjectEnvelope(ProjectView Project);

/// <summary>Projects.</summary>
internal sealed record ProjectsEnvelope(IReadOnlyList<ProjectView> Projects, ListLinks Links);

/// <summary>A user.</summary>
internal sealed record UserView(
    string Id,
    string Name,
    string DomainId,
    bool Enabled,
    string Description,
    string? Email,
    string? DefaultProjectId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? PasswordExpiresAt,
    SelfLink Links);

/// <summary>One user.</summary>
internal sealed record UserEnvelope(UserView User);

/// <summary>Users.</summary>
internal sealed record UsersEnvelope(IReadOnlyList<UserView> Users, ListLinks Links);

/// <summary>A role.</summary>
internal sealed record RoleView(string Id, string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? DomainId, SelfLink Links);

/// <summary>One role.</summary>
internal sealed record RoleEnvelope(RoleView Role);

/// <summary>Roles.</summary>
internal sealed record RolesEnvelope(IReadOnlyList<RoleView> Roles, ListLinks Links);

/// <summary>A domain.</summary>
internal sealed record DomainView(string Id, string Name, bool Enabled, string Description, SelfLink Links);

/// <summary>One domain.</summary>
internal sealed record DomainEnvelope(DomainView Domain);

/// <summary>Domains.</summary>
internal sealed record DomainsEnvelope(IReadOnlyList<DomainView> Domains, ListLinks Links);

/// <summary>What is referred to by its id, with its name where that was asked for.</summary>
internal sealed record AssignmentPart(string Id, string? Name, NamedReference? Domain);

/// <summary>Where an assignment holds.</summary>
internal sealed record AssignmentScope(AssignmentPart Project);

/// <summary>Where an assignment can be taken back.</summary>
internal sealed record AssignmentLink(string Assignment);

/// <summary>A role of a user in a project.</summary>
internal sealed record AssignmentView(AssignmentPart Role, AssignmentPart User, AssignmentScope Scope, AssignmentLink Links);

/// <summary>Assignments.</summary>
internal sealed record AssignmentsEnvelope(IReadOnlyList<AssignmentView> RoleAssignments, ListLinks Links);

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
