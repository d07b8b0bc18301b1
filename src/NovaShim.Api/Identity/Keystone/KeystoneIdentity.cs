using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Identity.Keystone;

/// <summary>An external Keystone's users, tenants and tokens. Its answers are believed for a short time, the good and the bad ones, so that a revoked token is refused after that time at the latest.</summary>
internal sealed class KeystoneIdentity(KeystoneClient keystone, KeystoneOptions options, TimeProvider time) : IIdentity
{
    private const int MaxCached = 10_000;
    private const int MaxTokenLength = 16_384;
    private const int AuditIdLength = 22;
    private const int IdLength = 32;

    private readonly ConcurrentDictionary<string, (AccessToken? Token, DateTimeOffset Until)> _cache = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async Task<AccessToken?> FindAsync(string secret, CancellationToken cancellation)
    {
        if (secret.Length > MaxTokenLength || secret.Any(c => c is <= ' ' or >= '\x7f'))
        {
            return null;
        }

        var key = KeyOf(secret);
        var now = time.GetUtcNow();
        if (_cache.TryGetValue(key, out var cached) && cached.Until > now)
        {
            return IsGood(cached.Token, now);
        }

        var answered = await keystone.ValidateAsync(secret, cancellation) is { } token ? Show(token, key) : null;
        if (options.CacheSeconds > 0)
        {
            if (_cache.Count >= MaxCached)
            {
                _cache.Clear();
            }

            // From when it was asked: Keystone may have changed its mind while it answered.
            _cache[key] = (answered, now.AddSeconds(options.CacheSeconds));
        }

        return IsGood(answered, time.GetUtcNow());
    }

    /// <inheritdoc/>
    public async Task<IssuedToken?> LogInAsync(string userName, string key, string? project, CancellationToken cancellation)
    {
        var issued = await keystone.LogInAsync(userName, key, project is null ? null : ProjectOf(project), cancellation);
        if (issued is { Token.Project: null } unscoped)
        {
            // A user with a single project means that one.
            issued = await keystone.ProjectsAsync(unscoped.Secret, cancellation) is [var only] ? await keystone.RescopeAsync(unscoped.Secret, new KeystoneProject(only, null, null), cancellation) : null;
        }

        return issued is var (secret, token) && Show(token, KeyOf(secret)) is { ProjectId: not null } shown ? new IssuedToken(secret, shown) : null;
    }

    /// <inheritdoc/>
    public string UrlFor(ApiRequest request) => options.Url.ToString();

    // Clients of 2011 name a project by what they have, and ids look like nothing else.
    private KeystoneProject ProjectOf(string nameOrId) => nameOrId.Length == IdLength && nameOrId.All(char.IsAsciiHexDigitLower)
        ? new KeystoneProject(nameOrId, null, null)
        : new KeystoneProject(null, nameOrId, new KeystoneReference(null, options.ProjectDomain));

    private static AccessToken? IsGood(AccessToken? token, DateTimeOffset now) => token is not null && token.ExpiresAt > now.UtcDateTime ? token : null;

    private AccessToken? Show(KeystoneToken token, string key)
    {
        if (token is not { User: { Id: { } userId } user, ExpiresAt: { } expiresAt })
        {
            return null;
        }

        IReadOnlyList<string> roles = [.. (token.Roles ?? []).Select(r => r.Name).OfType<string>()];
        return new AccessToken
        {
            UserId = userId, UserName = user.Name ?? userId, ProjectId = token.Project?.Id, ProjectName = token.Project?.Name ?? token.Project?.Id, Roles = roles,
            IsAdmin = roles.Any(r => options.AdminRoles.Contains(r, StringComparer.OrdinalIgnoreCase)), Methods = token.Methods ?? [], AuditId = key[..AuditIdLength],
            IssuedAt = token.IssuedAt?.UtcDateTime ?? default, ExpiresAt = expiresAt.UtcDateTime,
        };
    }

    private static string KeyOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}
