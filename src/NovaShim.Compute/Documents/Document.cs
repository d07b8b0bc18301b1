namespace NovaShim.Compute.Documents;

/// <summary>
/// What every stored document has. Documents are immutable: a change is a copy made by <c>with</c> and handed to
/// <see cref="IDocumentCollection{T}.ReplaceAsync"/>. Their properties are stored under Nova's column names (snake_case of the property's name).
/// </summary>
public abstract record Document
{
    /// <summary>The key: unique in its collection, never changed. A UUID for most.</summary>
    public required string Key { get; init; }

    /// <summary>Counts the writes of this document; 1 after the insert. Kept by the store.</summary>
    public long Revision { get; init; }

    /// <summary>When the document was inserted (UTC, whole milliseconds). Kept by the store.</summary>
    public DateTime CreatedAt { get; init; }

    /// <summary>When it was last replaced (UTC, whole milliseconds); null before the first time. Kept by the store.</summary>
    public DateTime? UpdatedAt { get; init; }
}
