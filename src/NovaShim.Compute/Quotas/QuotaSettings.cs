using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Quotas;

/// <summary>What is set: for a class, for a project, for a user in a project; each over the one before.</summary>
/// <param name="store">Where it is.</param>
/// <param name="configured">What is configured, by resource: all of them.</param>
public sealed class QuotaSettings(IDocumentStore store, IReadOnlyDictionary<string, int> configured)
{
    private readonly IDocumentCollection<QuotaDocument> _quotas = store.Collection<QuotaDocument>();
    private readonly IDocumentCollection<QuotaClassDocument> _classes = store.Collection<QuotaClassDocument>();

    /// <summary>A class's limits.</summary>
    public async Task<IReadOnlyDictionary<string, int>> OfClassAsync(string name, CancellationToken cancellation) => Over(configured, (await _classes.GetAsync(name, cancellation))?.Limits);

    /// <summary>Those of a project for which nothing is set.</summary>
    public Task<IReadOnlyDictionary<string, int>> DefaultsAsync(CancellationToken cancellation) => OfClassAsync(QuotaClassDocument.Default, cancellation);

    /// <summary>A project's, or those of a user in it.</summary>
    public async Task<IReadOnlyDictionary<string, int>> OfAsync(string projectId, string? userId, CancellationToken cancellation)
    {
        var project = Over(await DefaultsAsync(cancellation), (await _quotas.GetAsync(QuotaDocument.KeyOf(projectId, null), cancellation))?.Limits);
        return userId is null ? project : Over(project, (await _quotas.GetAsync(QuotaDocument.KeyOf(projectId, userId), cancellation))?.Limits);
    }

    /// <summary>The bounds within which a user asks for something in a project.</summary>
    public async Task<QuotaBounds> BoundsAsync(string projectId, string userId, CancellationToken cancellation) =>
        new(await OfAsync(projectId, null, cancellation), await OfAsync(projectId, userId, cancellation));

    /// <summary>Sets some limits of a project, or of a user in it.</summary>
    public Task SetAsync(string projectId, string? userId, IReadOnlyDictionary<string, int> limits, CancellationToken cancellation)
    {
        var key = QuotaDocument.KeyOf(projectId, userId);
        return ChangeAsync(_quotas, key, q => q with { Limits = Over(q.Limits, limits) }, () => new QuotaDocument { Key = key, ProjectId = projectId, UserId = userId, Limits = limits }, cancellation);
    }

    /// <summary>Sets some limits of a class.</summary>
    public Task SetClassAsync(string name, IReadOnlyDictionary<string, int> limits, CancellationToken cancellation) =>
        ChangeAsync(_classes, name, c => c with { Limits = Over(c.Limits, limits) }, () => new QuotaClassDocument { Key = name, Limits = limits }, cancellation);

    /// <summary>Forgets what was set for a project and its users, or for one user in it.</summary>
    public async Task ResetAsync(string projectId, string? userId, CancellationToken cancellation)
    {
        foreach (var quota in await _quotas.WhereAsync(q => q.ProjectId == projectId && (userId == null || q.UserId == userId), cancellation))
        {
            while (await _quotas.GetAsync(quota.Key, cancellation) is { } now && !await _quotas.DeleteAsync(now, cancellation))
            {
                // Somebody set something meanwhile: it goes, too.
            }
        }
    }

    private static async Task ChangeAsync<T>(IDocumentCollection<T> collection, string key, Func<T, T> change, Func<T> begin, CancellationToken cancellation) where T : Document
    {
        while (await collection.UpdateAsync(key, change, cancellation) is null)
        {
            try
            {
                await collection.InsertAsync(begin(), cancellation);
                return;
            }
            catch (DuplicateKeyException)
            {
                // Somebody was faster with the first of them.
            }
        }
    }

    private static IReadOnlyDictionary<string, int> Over(IReadOnlyDictionary<string, int> below, IReadOnlyDictionary<string, int>? above)
    {
        if (above is null)
        {
            return below;
        }

        var limits = new Dictionary<string, int>(below, StringComparer.Ordinal);
        foreach (var (resource, limit) in above)
        {
            limits[resource] = limit;
        }

        return limits;
    }
}
