namespace NovaShim.Compute.Documents;

/// <summary>The document store does not answer or refused; the operation may be tried again later.</summary>
public class DocumentStoreException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A key or the value of a unique index is taken.</summary>
/// <param name="index">The name of the index in <see cref="DocumentCatalog"/>, or <c>key</c>.</param>
public sealed class DuplicateKeyException(string index, Exception? inner = null) : DocumentStoreException($"Another document has the same {index}.", inner)
{
    /// <summary>Which index.</summary>
    public string Index { get; } = index;
}
