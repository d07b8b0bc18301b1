using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;

namespace NovaShim.Api.Identity;

/// <summary>A user and the one tenant they belong to.</summary>
/// <param name="Id">The user's id: 32 hexadecimal digits, the same in every process that knows the name.</param>
/// <param name="Name">The name.</param>
/// <param name="ProjectId">The tenant's id, likewise.</param>
/// <param name="ProjectName">The tenant's name.</param>
/// <param name="IsAdmin">Whether they are an administrator.</param>
public sealed record IdentityUser(string Id, string Name, string ProjectId, string ProjectName, bool IsAdmin);

/// <summary>
/// The users, from section <c>identity:users</c> of the configuration; the program adds one where there is none. All live in the one domain <c>Default</c>.
/// Passwords are kept as a keyed hash whose key dies with the process.
/// </summary>
public sealed class IdentityDirectory
{
    /// <summary>The only domain's id.</summary>
    public const string DomainId = "default";

    /// <summary>The only domain's name.</summary>
    public const string DomainName = "Default";

    private readonly ConcurrentDictionary<string, (IdentityUser User, byte[] Password)> _users = new(StringComparer.Ordinal);
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);

    /// <summary>Reads the users of a configuration. Throws <see cref="InvalidOperationException"/> naming the entry that is incomplete or a repetition.</summary>
    public IdentityDirectory(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        foreach (var entry in configuration.GetSection("identity:users").GetChildren())
        {
            if (entry["name"] is not { Length: > 0 } name || entry["password"] is not { Length: > 0 } password)
            {
                throw new InvalidOperationException($"{entry.Path}: a user needs a name and a password.");
            }

            var admin = entry["admin"] is { Length: > 0 } text
                && (bool.TryParse(text, out var flag) ? flag : throw new InvalidOperationException($"{entry.Path}:admin is neither true nor false."));
            Add(name, password, entry["project"] is { Length: > 0 } project ? project : name, admin);
        }
    }

    /// <summary>Whether nobody could log in.</summary>
    public bool IsEmpty => _users.IsEmpty;

    /// <summary>Adds a user. Throws <see cref="InvalidOperationException"/> when the name is taken.</summary>
    public IdentityUser Add(string name, string password, string project, bool admin)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(password);
        ArgumentException.ThrowIfNullOrEmpty(project);
        var user = new IdentityUser(IdOf("user", name), name, IdOf("project", project), project, admin);
        return _users.TryAdd(name, (user, Hash(password))) ? user : throw new InvalidOperationException($"There are two users called '{name}'.");
    }

    /// <summary>The user with this name or id, if the password is theirs; null otherwise. Takes as long for a user who does not exist.</summary>
    internal IdentityUser? Authenticate(string nameOrId, string password)
    {
        var given = Hash(password);
        var known = Find(nameOrId);
        var right = CryptographicOperations.FixedTimeEquals(given, known?.Password ?? _key);
        return right ? known?.User : null;
    }

    /// <summary>The user with this name or id.</summary>
    internal IdentityUser? Lookup(string nameOrId) => Find(nameOrId)?.User;

    private (IdentityUser User, byte[] Password)? Find(string nameOrId)
    {
        if (_users.TryGetValue(nameOrId, out var named))
        {
            return named;
        }

        foreach (var entry in _users.Values)
        {
            if (entry.User.Id == nameOrId)
            {
                return entry;
            }
        }

        return null;
    }

    private byte[] Hash(string password) => HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(password));

    private static string IdOf(string kind, string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}:{DomainId}:{name}")))[..32];
}
