namespace NovaShim.Compute.Documents;

/// <summary>The last integer handed out for a collection whose documents carry Nova's integer <c>id</c> beside their key.</summary>
public sealed record SequenceDocument : Document
{
    /// <summary>The last number handed out.</summary>
    public int Last { get; init; }
}

/// <summary>Hands out Nova's integer ids.</summary>
public static class Sequences
{
    /// <summary>The next integer for a collection, from 1. Numbers are never handed out twice; a crash may leave a gap.</summary>
    public static async Task<int> NextIdAsync<T>(this IDocumentStore store, CancellationToken cancellation) where T : Document
    {
        var sequences = store.Collection<SequenceDocument>();
        var name = DocumentCatalog.Of<T>().Collection;
        while (true)
        {
            if (await sequences.UpdateAsync(name, s => s with { Last = s.Last + 1 }, cancellation) is { } next)
            {
                return next.Last;
            }

            try
            {
                await sequences.InsertAsync(new SequenceDocument { Key = name }, cancellation);
            }
            catch (DuplicateKeyException)
            {
                // Another process was faster; its sequence is as good.
            }
        }
    }
}
