using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Identity;

/// <summary>The users and tenants of the built-in identity. Whoever deletes or changes what the configuration names is refused.</summary>
public sealed class UserDirectory(IDocumentStore store, PasswordHash passwords)
{
    /// <summary>The only domain's id.</summary>
    public const string DomainId = "default";

    /// <summary>The only domain's name.</summary>
    public const string DomainName = "Default";

    /// <summary>The users, to be queried.</summary>
    public IDocumentCollection<UserDocument> Users => store.Collection<UserDocument>();

    /// <summary>The tenants, to be queried.</summary>
    public IDocumentCollection<ProjectDocument> Projects => store.Collection<ProjectDocument>();

    /// <summary>The user with this id, or this name; null when there is none.</summary>
    public async Task<UserDocument?> FindUserAsync(string nameOrId, CancellationToken cancellation) =>
        await Users.GetAsync(nameOrId, cancellation) ?? await Users.FirstOrDefaultAsync(u => u.Name == nameOrId, cancellation);

    /// <summary>The tenant with this id, or this name; null when there is none.</summary>
    public async Task<ProjectDocument?> FindProjectAsync(string nameOrId, CancellationToken cancellation) =>
        await Projects.GetAsync(nameOrId, cancellation) ?? await Projects.FirstOrDefaultAsync(p => p.Name == nameOrId, cancellation);

    /// <summary>The user, if the password is theirs and they may log in; null otherwise, after the same time whether or not there is such a user.</summary>
    public async Task<UserDocument?> AuthenticateAsync(UserDocument? user, string password, CancellationToken cancellation)
    {
        var right = await passwords.CheckAsync(password, user?.Password, cancellation);
        if (!right || user is not { Enabled: true })
        {
            return null;
        }

        if (passwords.IsOutdated(user.Password))
        {
            var anew = await passwords.MakeAsync(password, cancellation);
            await Users.UpdateAsync(user.Key, u => u.Password == user.Password ? u with { Password = anew } : null, cancellation);
        }

        return user;
    }

    /// <summary>Makes a user. Throws <see cref="NameTakenException"/>.</summary>
    public async Task<UserDocument> CreateUserAsync(UserDocument user, string password, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(user);
        try
        {
            return await Users.InsertAsync(user with { Password = await passwords.MakeAsync(password, cancellation) }, cancellation);
        }
        catch (DuplicateKeyException)
        {
            throw new NameTakenException($"Conflict occurred attempting to store user - Duplicate entry found with name {user.Name} at domain ID {DomainId}.");
        }
    }

    /// <summary>Makes a tenant. Throws <see cref="NameTakenException"/>.</summary>
    public async Task<ProjectDocument> CreateProjectAsync(ProjectDocument project, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(project);
        try
        {
            return await Projects.InsertAsync(project, cancellation);
        }
        catch (DuplicateKeyException)
        {
            throw new NameTakenException($"Conflict occurred attempting to store project - it is not permitted to have two projects with the same name in the same domain: {project.Name}.");
        }
    }

    /// <summary>Sets a password; all of the user's tokens end. False when there is no such user any more.</summary>
    public async Task<bool> SetPasswordAsync(string id, string password, CancellationToken cancellation)
    {
        var kept = await passwords.MakeAsync(password, cancellation);
        return await Users.UpdateAsync(id, u => Free(u) with { Password = kept, TokenGeneration = u.TokenGeneration + 1 }, cancellation) is not null;
    }

    /// <summary>Deletes a user; their tokens end. False when there is none.</summary>
    public async Task<bool> DeleteUserAsync(string id, CancellationToken cancellation)
    {
        while (await Users.GetAsync(id, cancellation) is { } user)
        {
            if (await Users.DeleteAsync(Free(user), cancellation))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Deletes a tenant; tokens for it end. What it has, servers and images, stays. False when there is none.</summary>
    public async Task<bool> DeleteProjectAsync(string id, CancellationToken cancellation)
    {
        while (await Projects.GetAsync(id, cancellation) is { } project)
        {
            if (project.Configured)
            {
                throw new ConfiguredException($"Project {project.Name}");
            }

            // Nobody is anything in it any more. Should the process die in between, what is left names a tenant that is not there, and opens nothing.
            if (await Projects.DeleteAsync(project, cancellation))
            {
                foreach (var user in await Users.WhereAsync(u => u.Assignments.Any(a => a.ProjectId == id), cancellation))
                {
                    await Users.UpdateAsync(user.Key, u => u with { Assignments = [.. u.Assignments.Where(a => a.ProjectId != id)] }, cancellation);
                }

                return true;
            }
        }

        return false;
    }

    /// <summary>Makes a user something in a tenant. False when there is no such user.</summary>
    public async Task<bool> GrantAsync(string userId, string projectId, string role, CancellationToken cancellation)
    {
        if (await Users.GetAsync(userId, cancellation) is null)
        {
            return false;
        }

        await Users.UpdateAsync(
            userId, u => u.Assignments.Any(a => a.ProjectId == projectId && a.Role == role) ? null : u with { Assignments = [.. u.Assignments, new RoleAssignment(projectId, role)] }, cancellation);
        return true;
    }

    /// <summary>Takes that back. False when it was not so.</summary>
    public async Task<bool> RevokeAsync(string userId, string projectId, string role, CancellationToken cancellation)
    {
        var had = false;
        await Users.UpdateAsync(
            userId,
            u =>
            {
                var assignment = u.Assignments.FirstOrDefault(a => a.ProjectId == projectId && a.Role == role);
                had = assignment is not null;
                return assignment is null ? null
                    : assignment.Configured ? throw new ConfiguredException($"Role {role} of user {u.Name}")
                    : u with { Assignments = [.. u.Assignments.Where(a => a != assignment)] };
            },
            cancellation);
        return had;
    }

    /// <summary>The user, unless the configuration has the say over them.</summary>
    public static UserDocument Free(UserDocument user) => user is { Configured: false } ? user : throw new ConfiguredException($"User {user?.Name}");
}
