using NovaShim.Compute.Documents;
using NovaShim.Compute.KeyPairs;

namespace NovaShim.Api.KeyPairs;

/// <summary>Users' key pairs.</summary>
internal sealed class KeyPairShelf(IDocumentStore store)
{
    private IDocumentCollection<KeyPairDocument> KeyPairs => store.Collection<KeyPairDocument>();

    /// <summary>One, or null.</summary>
    public Task<KeyPairDocument?> FindAsync(string userId, string name, CancellationToken cancellation) => KeyPairs.GetAsync(KeyPairDocument.KeyOf(userId, name), cancellation);

    /// <summary>A user's, by name.</summary>
    public async Task<IReadOnlyList<KeyPairDocument>> ListAsync(string userId, CancellationToken cancellation) =>
        [.. (await KeyPairs.WhereAsync(k => k.UserId == userId, cancellation)).OrderBy(k => k.Name, StringComparer.Ordinal)];

    /// <summary>Keeps one. Throws <see cref="DuplicateKeyException"/> when the user has one of this name.</summary>
    public async Task<KeyPairDocument> AddAsync(string userId, string name, string publicKey, string fingerprint, CancellationToken cancellation) => await KeyPairs.InsertAsync(
        new KeyPairDocument
        {
            Key = KeyPairDocument.KeyOf(userId, name), Id = await store.NextIdAsync<KeyPairDocument>(cancellation), UserId = userId, Name = name, PublicKey = publicKey, Fingerprint = fingerprint,
        },
        cancellation);

    /// <summary>Deletes one; false when there is none.</summary>
    public async Task<bool> RemoveAsync(string userId, string name, CancellationToken cancellation) =>
        await FindAsync(userId, name, cancellation) is { } found && await KeyPairs.DeleteAsync(found, cancellation);
}
