using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;
using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Identity;

/// <summary>A user as the configuration names them.</summary>
/// <param name="Name">The name.</param>
/// <param name="Password">The password.</param>
/// <param name="Project">The tenant's name.</param>
/// <param name="IsAdmin">Whether they are an administrator.</param>
public sealed record ConfiguredUser(string Name, string Password, string Project, bool IsAdmin);

/// <summary>The users of section <c>identity:users</c>. What it says of them is so after each start; whom it no longer names is gone.</summary>
public static class ConfiguredUsers
{
    /// <summary>Reads them. Throws <see cref="InvalidOperationException"/> naming the entry that is incomplete or a repetition.</summary>
    public static IReadOnlyList<ConfiguredUser> Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var users = new List<ConfiguredUser>();
        foreach (var entry in configuration.GetSection("identity:users").GetChildren())
        {
            if (entry["name"] is not { Length: > 0 } name || entry["password"] is not { Length: > 0 } password)
            {
                throw new InvalidOperationException($"{entry.Path}: a user needs a name and a password.");
            }

            var admin = entry["admin"] is { Length: > 0 } text
                && (bool.TryParse(text, out var flag) ? flag : throw new InvalidOperationException($"{entry.Path}:admin is neither true nor false."));
            if (users.Any(u => u.Name == name))
            {
                throw new InvalidOperationException($"There are two users called '{name}'.");
            }

            users.Add(new ConfiguredUser(name, password, entry["project"] is { Length: > 0 } project ? project : name, admin));
        }

        return users;
    }

    /// <summary>Makes the store say what the configuration says. Several processes may do so at the same time.</summary>
    public static async Task PlantAsync(IDocumentStore store, PasswordHash passwords, IReadOnlyList<ConfiguredUser> configured, CancellationToken cancellation)
    {
        var users = store.Collection<UserDocument>();
        var projects = store.Collection<ProjectDocument>();
        foreach (var name in configured.Select(u => u.Project).Distinct(StringComparer.Ordinal))
        {
            await PlantProjectAsync(projects, name, cancellation);
        }

        foreach (var user in configured)
        {
            var project = (await projects.FirstOrDefaultAsync(p => p.Name == user.Project, cancellation))!.Key;
            await PlantUserAsync(users, passwords, user, project, cancellation);
        }

        foreach (var gone in await users.WhereAsync(u => u.Configured, cancellation))
        {
            if (configured.All(u => u.Name != gone.Name))
            {
                await users.DeleteAsync(gone, cancellation);
            }
        }

        foreach (var freed in await projects.WhereAsync(p => p.Configured, cancellation))
        {
            // It may have servers: from now on it is whoever's who can delete it.
            if (configured.All(u => u.Project != freed.Name))
            {
                await projects.UpdateAsync(freed.Key, p => p with { Configured = false }, cancellation);
            }
        }
    }

    private static async Task PlantProjectAsync(IDocumentCollection<ProjectDocument> projects, string name, CancellationToken cancellation)
    {
        if (await projects.FirstOrDefaultAsync(p => p.Name == name, cancellation) is { } known)
        {
            await projects.UpdateAsync(known.Key, p => p is { Configured: true, Enabled: true } ? null : p with { Configured = true, Enabled = true }, cancellation);
            return;
        }

        try
        {
            await projects.InsertAsync(new ProjectDocument { Key = IdOf("project", name), Name = name, Configured = true }, cancellation);
        }
        catch (DuplicateKeyException)
        {
            // Another process plants the same.
        }
    }

    private static async Task PlantUserAsync(IDocumentCollection<UserDocument> users, PasswordHash passwords, ConfiguredUser user, string project, CancellationToken cancellation)
    {
        RoleAssignment[] assignments = user.IsAdmin
            ? [new(project, Roles.Admin, Configured: true), new(project, Roles.Member, Configured: true)]
            : [new(project, Roles.Member, Configured: true)];
        if (await users.FirstOrDefaultAsync(u => u.Name == user.Name, cancellation) is not { } known)
        {
            try
            {
                await users.InsertAsync(
                    new UserDocument
                    {
                        Key = IdOf("user", user.Name), Name = user.Name, Password = await passwords.MakeAsync(user.Password, cancellation), DefaultProjectId = project, Assignments = assignments,
                        Configured = true,
                    },
                    cancellation);
            }
            catch (DuplicateKeyException)
            {
                // Another process plants the same.
            }

            return;
        }

        var same = await passwords.CheckAsync(user.Password, known.Password, cancellation);
        var kept = same && !passwords.IsOutdated(known.Password) ? known.Password : await passwords.MakeAsync(user.Password, cancellation);
        await users.UpdateAsync(
            known.Key,
            u =>
            {
                var planted = u with
                {
                    Password = kept, TokenGeneration = same ? u.TokenGeneration : u.TokenGeneration + 1, Enabled = true, Configured = true, DefaultProjectId = project,
                    Assignments = [.. assignments, .. u.Assignments.Where(a => !a.Configured && !assignments.Any(c => c.ProjectId == a.ProjectId && c.Role == a.Role))],
                };
                return planted.Password == u.Password && planted.Enabled == u.Enabled && planted.Configured == u.Configured && planted.DefaultProjectId == u.DefaultProjectId
                    && planted.Assignments.SequenceEqual(u.Assignments) ? null : planted;
            },
            cancellation);
    }

    // The same in every process that knows the name.
    private static string IdOf(string kind, string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}:default:{name}")))[..32];
}
