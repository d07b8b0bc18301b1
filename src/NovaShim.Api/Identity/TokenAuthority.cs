using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Identity;

/// <summary>A token as it is handed out, with the document that is kept of it.</summary>
/// <param name="Secret">What the user sends; known to nobody else.</param>
/// <param name="Document">What is stored.</param>
internal sealed record IssuedToken(string Secret, TokenDocument Document);

/// <summary>
/// Issues, finds and revokes tokens: 256 random bits, stored as their SHA-256. What was found is believed for a few seconds, so that not every request
/// asks the store.
/// </summary>
internal sealed class TokenAuthority(IDocumentStore store, TimeProvider time, IdentityOptions options)
{
    private const int MaxCached = 10_000;
    private const int MaxTokenLength = 512;
    private static readonly TimeSpan Believed = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, (TokenDocument Token, DateTimeOffset Until)> _cache = new(StringComparer.Ordinal);

    private IDocumentCollection<TokenDocument> Tokens => store.Collection<TokenDocument>();

    /// <summary>A new token for a user, scoped to their tenant.</summary>
    /// <param name="user">Who.</param>
    /// <param name="expiresAt">When it ends at the latest (UTC): a token obtained with a token does not outlive it. Null: the usual time.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<IssuedToken> IssueAsync(IdentityUser user, DateTime? expiresAt, CancellationToken cancellation)
    {
        var secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var now = time.GetUtcNow().UtcDateTime;
        var document = await Tokens.InsertAsync(new TokenDocument
        {
            Key = KeyOf(secret), UserId = user.Id, UserName = user.Name, ProjectId = user.ProjectId, ProjectName = user.ProjectName,
            DomainId = IdentityDirectory.DomainId,
            IsAdmin = user.IsAdmin, IssuedAt = now, ExpiresAt = expiresAt ?? now.AddHours(options.TokenHours),
        }, cancellation);
        return new IssuedToken(secret, document);
    }

    /// <summary>The token, if it is known and has not ended.</summary>
    public async Task<TokenDocument?> FindAsync(string secret, CancellationToken cancellation)
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

        if (await Tokens.GetAsync(key, cancellation) is not { } found || found.ExpiresAt <= now.UtcDateTime)
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

    private static string KeyOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}
