namespace NovaShim.Compute.Quotas;

/// <summary>What servers have of the quotas that are counted by server.</summary>
/// <param name="Instances">How many there are.</param>
/// <param name="Cores">Their virtual CPUs.</param>
/// <param name="Ram">Their memory in MiB.</param>
public sealed record QuotaUsage(int Instances, long Cores, long Ram)
{
    /// <summary>The sum of some shares.</summary>
    public static QuotaUsage Of(IEnumerable<ServerShare> shares) =>
        shares.Aggregate(new QuotaUsage(0, 0, 0), (sum, share) => new QuotaUsage(sum.Instances + 1, sum.Cores + share.Cores, sum.Ram + share.Ram));

    /// <summary>How much of a resource.</summary>
    public long Of(string resource) => resource switch
    {
        QuotaResources.Instances => Instances,
        QuotaResources.Cores => Cores,
        QuotaResources.Ram => Ram,
        _ => throw new ArgumentOutOfRangeException(nameof(resource), resource, "It is not counted by server."),
    };
}

/// <summary>The limits within which somebody asks: a project's, and those of the user in it.</summary>
/// <param name="Project">The project's, by resource.</param>
/// <param name="User">The user's, where they differ; null: as the project's.</param>
public sealed record QuotaBounds(IReadOnlyDictionary<string, int> Project, IReadOnlyDictionary<string, int>? User = null)
{
    /// <summary>The resources that are counted by server.</summary>
    internal static readonly IReadOnlyList<string> Counted = [QuotaResources.Instances, QuotaResources.Cores, QuotaResources.Ram];

    /// <summary>Whether nothing that is counted is limited.</summary>
    internal bool AreOpen => Counted.All(r => Project[r] < 0 && (User is null || User[r] < 0));
}

/// <summary>More is wanted than the quota has left.</summary>
/// <param name="resource">Of what.</param>
/// <param name="requested">How much more.</param>
/// <param name="used">How much there is already.</param>
/// <param name="limit">How much there may be.</param>
public sealed class QuotaExceededException(string resource, long requested, long used, int limit)
    : Exception($"Quota exceeded for {resource}: Requested {requested}, but already used {used} of {limit} {resource}")
{
    /// <summary>Of what.</summary>
    public string Resource { get; } = resource;
}
