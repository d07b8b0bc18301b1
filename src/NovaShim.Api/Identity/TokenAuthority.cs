using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Identity;

/// <summary>
/// Issues, finds and revokes the built-in identity's tokens: 256 random bits, stored as their SHA-256. What a token is worth is decided when it is used: by its user and tenant as they are then.
/// What was found is believed for a few seconds, so that not every request asks the store.
/// </summary>
internal sealed class TokenAuthority(IDocumentStore store, UserDirectory directory, TimeProvider time, IdentityOptions options)
{
    private const int MaxCached = 10_000;
    private const int MaxTokenLength = 512;
    private const int AuditIdLength = 22;
    private static readonly TimeSpan Believed = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, (AccessToken Token, DateTimeOffset Until)> _cache = new(StringComparer.Ordinal);

    private IDocumentCollection<TokenDocument> Tokens => store.Collection<TokenDocument>();

    /// <summary>A new token for a user.</summary>
    /// <param name="user">Who.</param>
    /// <param name="project">The tenant it is for; null: none.</param>
    /// <param name="methods">How they proved who they are.</param>
    /// <param name="expiresAt">When it ends at the latest (UTC): a token obtained with a token does not outlive it. Null: the usual time.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<IssuedToken> IssueAsync(UserDocument user, ProjectDocument? project, IReadOnlyList<string> methods, DateTime? expiresAt, CancellationToken cancellation)
    {
        var secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var now = time.GetUtcNow().UtcDateTime;
        var document = await Tokens.InsertAsync(
            new TokenDocument
            {
                Key = KeyOf(secret), UserId = user.Key, ProjectId = project?.Key, Methods = methods, Generation = user.TokenGeneration, IssuedAt = now,
                ExpiresAt = expiresAt ?? now.AddHours(options.TokenHours),
            },
            cancellation);
        return new IssuedToken(secret, Show(document, user, project));
    }

    /// <summary>The token, if it is known, has not ended, and its user still is what it says.</summary>
    public async Task<AccessToken?> FindAsync(string secret, CancellationToken cancellation)
    {
        if (secret.Length > MaxTokenLength)
        {
            return null;
        }

        var key = KeyOf(secret);
        var now = time.GetUtcNow();
        if (_cache.TryGetValue(key, out var cached) && cached.Until > now)
        {
            return cached.Token.ExpiresAt > now.UtcDateTime ? cached.Token : null;
        }

        if (await ReadAsync(key, now.UtcDateTime, cancellation) is not { } found)
        {
            _cache.TryRemove(key, out _);
            return null;
        }

        if (_cache.Count >= MaxCached)
        {
            _cache.Clear();
        }

        _cache[key] = (found, now + Believed);
        return found;
    }

    /// <summary>Ends a token. Other processes believe it for a few seconds more.</summary>
    public async Task<bool> RevokeAsync(string secret, CancellationToken cancellation)
    {
        var key = KeyOf(secret);
        _cache.TryRemove(key, out _);
        return await Tokens.GetAsync(key, cancellation) is { } found && await Tokens.DeleteAsync(found, cancellation);
    }

    /// <summary>Believes nothing any more: a user or a tenant has changed.</summary>
    public void Forget() => _cache.Clear();

    /// <summary>Deletes what has ended and returns how many there were.</summary>
    public async Task<int> SweepAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var ended = await Tokens.WhereAsync(t => t.ExpiresAt <= now, cancellation);
        foreach (var token in ended)
        {
            _cache.TryRemove(token.Key, out _);
            await Tokens.DeleteAsync(token, cancellation);
        }

        return ended.Count;
    }

    private async Task<AccessToken?> ReadAsync(string key, DateTime now, CancellationToken cancellation)
    {
        if (await Tokens.GetAsync(key, cancellation) is not { } token || token.ExpiresAt <= now
            || await directory.Users.GetAsync(token.UserId, cancellation) is not { Enabled: true } user || user.TokenGeneration != token.Generation)
        {
            return null;
        }

        if (token.ProjectId is not { } projectId)
        {
            return Show(token, user, null);
        }

        return await directory.Projects.GetAsync(projectId, cancellation) is { Enabled: true } project && user.Assignments.Any(a => a.ProjectId == projectId) ? Show(token, user, project) : null;
    }

    private static AccessToken Show(TokenDocument token, UserDocument user, ProjectDocument? project)
    {
        IReadOnlyList<string> roles = project is null ? [] : [.. user.Assignments.Where(a => a.ProjectId == project.Key).Select(a => a.Role).Distinct(StringComparer.Ordinal)];
        return new AccessToken
        {
            UserId = user.Key, UserName = user.Name, ProjectId = project?.Key, ProjectName = project?.Name, Roles = roles, IsAdmin = roles.Contains(Roles.Admin), Methods = token.Methods,
            AuditId = token.Key[..AuditIdLength], IssuedAt = token.IssuedAt, ExpiresAt = token.ExpiresAt,
        };
    }

    private static string KeyOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}
