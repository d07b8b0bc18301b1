using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Identity;

/// <summary>Somebody who may log in. The key is the user's id. All users are in the one domain there is.</summary>
public sealed record UserDocument : Document
{
    /// <summary>The name; no other user has it.</summary>
    public required string Name { get; init; }

    /// <summary>What is kept of the password, as <see cref="PasswordHash"/> writes it.</summary>
    public required string Password { get; init; }

    /// <summary>Whether they may log in at all.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>An address, if one was told.</summary>
    public string? Email { get; init; }

    /// <summary>A description.</summary>
    public string Description { get; init; } = "";

    /// <summary>The tenant a login is for that names none; null for a login without a tenant.</summary>
    public string? DefaultProjectId { get; init; }

    /// <summary>What they are in which tenants.</summary>
    public IReadOnlyList<RoleAssignment> Assignments { get; init; } = [];

    /// <summary>Counted up to end all of the user's tokens at once, as a new password does.</summary>
    public int TokenGeneration { get; init; }

    /// <summary>Whether the user is named in the configuration, which has the say over name, password and the assignments it makes.</summary>
    public bool Configured { get; init; }
}

/// <summary>A role of a user in a tenant.</summary>
/// <param name="ProjectId">The tenant's id.</param>
/// <param name="Role">One of <see cref="Roles"/>.</param>
/// <param name="Configured">Whether the configuration made it.</param>
public sealed record RoleAssignment(string ProjectId, string Role, bool Configured = false);

/// <summary>The roles there are. Their ids are their names.</summary>
public static class Roles
{
    /// <summary>May do everything, in all tenants.</summary>
    public const string Admin = "admin";

    /// <summary>A tenant's user.</summary>
    public const string Member = "member";

    /// <summary>Known because clients assign it; may do what a member may.</summary>
    public const string Reader = "reader";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Admin, Member, Reader];
}
