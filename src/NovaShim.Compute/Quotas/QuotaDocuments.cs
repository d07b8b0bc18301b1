using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Quotas;

/// <summary>
/// The quotas an administrator has set for a project, or for one user in it: the rows of Nova's <c>quotas</c> or <c>project_user_quotas</c> together. What is not in it is as the default says.
/// </summary>
public sealed record QuotaDocument : Document
{
    /// <summary>The project.</summary>
    public required string ProjectId { get; init; }

    /// <summary>The user in it; null for the project.</summary>
    public string? UserId { get; init; }

    /// <summary>Limits by resource; -1: as much as there is.</summary>
    public IReadOnlyDictionary<string, int> Limits { get; init; } = new Dictionary<string, int>();

    /// <summary>The key of a project's, or of a user's in it.</summary>
    public static string KeyOf(string projectId, string? userId) => userId is null ? projectId : $"{projectId}/{userId}";
}

/// <summary>What an administrator has set for a class of projects: the rows of Nova's <c>quota_classes</c> together. Its key is the class's name; all projects are of the class <see cref="Default"/>.</summary>
public sealed record QuotaClassDocument : Document
{
    /// <summary>The class whose limits are everybody's defaults.</summary>
    public const string Default = "default";

    /// <summary>Limits by resource.</summary>
    public IReadOnlyDictionary<string, int> Limits { get; init; } = new Dictionary<string, int>();
}

/// <summary>
/// What a project has been promised and has not taken yet. Its key is the project's id. Who wants more adds a reservation by compare-and-set, so that of two who would together exceed a quota one
/// comes too late; what they have taken is counted from the servers themselves, so that nothing is ever to be given back.
/// </summary>
public sealed record QuotaUsageDocument : Document
{
    /// <summary>The promises.</summary>
    public IReadOnlyList<QuotaPromise> Promises { get; init; } = [];
}

/// <summary>A promise.</summary>
/// <param name="Id">Its own id.</param>
/// <param name="ExpiresAt">Until when it holds (UTC): who died with it holds up nobody for longer.</param>
/// <param name="Servers">What the servers are to have.</param>
public sealed record QuotaPromise(string Id, DateTime ExpiresAt, IReadOnlyList<ServerShare> Servers);

/// <summary>What a server has or is to have of its project's quotas.</summary>
/// <param name="InstanceUuid">The server.</param>
/// <param name="UserId">Whose it is.</param>
/// <param name="Cores">Virtual CPUs.</param>
/// <param name="Ram">Memory in MiB.</param>
public sealed record ServerShare(string InstanceUuid, string UserId, int Cores, int Ram)
{
    /// <summary>As much of either as one of the two has.</summary>
    public ServerShare Or(ServerShare other) => this with { Cores = Math.Max(Cores, other.Cores), Ram = Math.Max(Ram, other.Ram) };
}
