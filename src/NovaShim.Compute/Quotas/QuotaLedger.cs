using NovaShim.Compute.Documents;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Compute.Quotas;

/// <summary>
/// Holds projects to the quotas of servers, virtual CPUs and memory. Whoever wants more is promised it first, then takes it, then gives the promise back: <see cref="QuotaUsageDocument"/> says why two at
/// once cannot exceed a quota. A server under a migration counts with the larger of its two flavors, so that a revert needs no more than there is.
/// </summary>
public sealed class QuotaLedger(IDocumentStore store, TimeProvider time)
{
    /// <summary>How long a promise holds: much longer than it takes to write some documents.</summary>
    public static readonly TimeSpan Holds = TimeSpan.FromMinutes(2);

    private readonly IDocumentCollection<QuotaUsageDocument> _usages = store.Collection<QuotaUsageDocument>();
    private readonly IDocumentCollection<InstanceDocument> _instances = store.Collection<InstanceDocument>();
    private readonly IDocumentCollection<MigrationDocument> _migrations = store.Collection<MigrationDocument>();

    /// <summary>What the servers of a project, or of a user in it, have, and what is promised beyond.</summary>
    public async Task<(QuotaUsage InUse, QuotaUsage Reserved)> UsedByAsync(string projectId, string? userId, CancellationToken cancellation)
    {
        var promised = await _usages.GetAsync(projectId, cancellation) is { } usage ? Live(usage).SelectMany(p => p.Servers) : [];
        var taken = await TakenAsync(projectId, cancellation);
        var used = Of(taken.Values, userId);
        var all = Of(With(taken, promised).Values, userId);
        return (used, new QuotaUsage(all.Instances - used.Instances, all.Cores - used.Cores, all.Ram - used.Ram));
    }

    /// <summary>
    /// Promises a user so many new servers of a flavor as there is room for, between two bounds; their UUIDs come with the promise. Throws <see cref="QuotaExceededException"/> when there is no room for the least.
    /// </summary>
    public Task<QuotaReservation> ReserveServersAsync(string projectId, string userId, int least, int most, Flavor flavor, QuotaBounds bounds, CancellationToken cancellation)
    {
        IReadOnlyList<ServerShare> New(int count) => [.. Enumerable.Range(0, count).Select(_ => new ServerShare(Guid.NewGuid().ToString(), userId, flavor.Vcpus, flavor.MemoryMb))];
        return bounds.AreOpen
            ? Task.FromResult(new QuotaReservation(this, projectId, null, New(most)))
            : ReserveAsync(projectId, userId, held => New(Math.Clamp(RoomFor(held, userId, flavor, bounds), least, most)), bounds, cancellation);
    }

    /// <summary>Promises that a server may have another flavor. Throws <see cref="QuotaExceededException"/>.</summary>
    public Task<QuotaReservation> ReserveChangeAsync(InstanceDocument server, Flavor flavor, QuotaBounds bounds, CancellationToken cancellation)
    {
        IReadOnlyList<ServerShare> changed = [new(server.Uuid, server.UserId, flavor.Vcpus, flavor.MemoryMb)];
        return bounds.AreOpen
            ? Task.FromResult(new QuotaReservation(this, server.ProjectId, null, changed))
            : ReserveAsync(server.ProjectId, server.UserId, _ => changed, bounds, cancellation);
    }

    /// <summary>Gives a promise back: what it was for has been taken, or will not be.</summary>
    internal Task ReleaseAsync(string projectId, string promise) =>
        _usages.UpdateAsync(projectId, u => u.Promises.Any(p => p.Id == promise) ? u with { Promises = [.. Live(u).Where(p => p.Id != promise)] } : null, CancellationToken.None);

    private async Task<QuotaReservation> ReserveAsync(
        string projectId, string userId, Func<IReadOnlyDictionary<string, ServerShare>, IReadOnlyList<ServerShare>> choose, QuotaBounds bounds, CancellationToken cancellation)
    {
        while (true)
        {
            // The promises first, the servers then: whoever has taken what he was promised in between is found among the servers, and whoever is promised something in between is in nobody's count but makes the
            // compare-and-set fail.
            var usage = await _usages.GetAsync(projectId, cancellation) ?? await BeginAsync(projectId, cancellation);
            var live = Live(usage).ToList();
            var held = With(await TakenAsync(projectId, cancellation), live.SelectMany(p => p.Servers));
            var wanted = choose(held);
            Check(held, wanted, null, bounds.Project);
            Check(held, wanted, userId, bounds.User ?? bounds.Project);
            var promise = new QuotaPromise(Guid.NewGuid().ToString(), time.GetUtcNow().UtcDateTime + Holds, wanted);
            if (await _usages.ReplaceAsync(usage with { Promises = [.. live, promise] }, cancellation) is not null)
            {
                return new QuotaReservation(this, projectId, promise.Id, wanted);
            }
        }
    }

    private async Task<QuotaUsageDocument> BeginAsync(string projectId, CancellationToken cancellation)
    {
        try
        {
            return await _usages.InsertAsync(new QuotaUsageDocument { Key = projectId }, cancellation);
        }
        catch (DuplicateKeyException)
        {
            return (await _usages.GetAsync(projectId, cancellation))!;
        }
    }

    private IEnumerable<QuotaPromise> Live(QuotaUsageDocument usage)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return usage.Promises.Where(p => p.ExpiresAt > now);
    }

    /// <summary>What each server of a project has.</summary>
    private async Task<Dictionary<string, ServerShare>> TakenAsync(string projectId, CancellationToken cancellation)
    {
        var servers = await _instances.ListAsync(
            _instances.Query().Where(i => i.ProjectId == projectId && !i.Deleted).Select(i => new { i.Uuid, i.UserId, i.Flavor, i.MigrationUuid }), cancellation);
        var taken = servers.ToDictionary(s => s.Uuid, s => new ServerShare(s.Uuid, s.UserId, s.Flavor.Vcpus, s.Flavor.MemoryMb), StringComparer.Ordinal);
        var moving = servers.Select(s => s.MigrationUuid).OfType<string>().ToList();
        foreach (var m in moving.Count == 0 ? [] : await _migrations.WhereAsync(m => moving.Contains(m.Uuid), cancellation))
        {
            foreach (var flavor in new[] { m.Saga.OldFlavor, m.Saga.NewFlavor })
            {
                taken[m.InstanceUuid] = taken[m.InstanceUuid].Or(taken[m.InstanceUuid] with { Cores = flavor.Vcpus, Ram = flavor.MemoryMb });
            }
        }

        return taken;
    }

    private static Dictionary<string, ServerShare> With(IReadOnlyDictionary<string, ServerShare> taken, IEnumerable<ServerShare> more)
    {
        var all = new Dictionary<string, ServerShare>(taken, StringComparer.Ordinal);
        foreach (var share in more)
        {
            all[share.InstanceUuid] = all.TryGetValue(share.InstanceUuid, out var there) ? there.Or(share) : share;
        }

        return all;
    }

    private static QuotaUsage Of(IEnumerable<ServerShare> shares, string? userId) => QuotaUsage.Of(shares.Where(s => userId is null || s.UserId == userId));

    private static void Check(IReadOnlyDictionary<string, ServerShare> held, IReadOnlyList<ServerShare> wanted, string? userId, IReadOnlyDictionary<string, int> limits)
    {
        var (before, after) = (Of(held.Values, userId), Of(With(held, wanted).Values, userId));
        foreach (var resource in QuotaBounds.Counted)
        {
            // Who takes no more of something is not held up by it, however much there is.
            if (limits[resource] >= 0 && after.Of(resource) > limits[resource] && after.Of(resource) > before.Of(resource))
            {
                throw new QuotaExceededException(resource, after.Of(resource) - before.Of(resource), before.Of(resource), limits[resource]);
            }
        }
    }

    private static int RoomFor(IReadOnlyDictionary<string, ServerShare> held, string userId, Flavor flavor, QuotaBounds bounds)
    {
        static long Room(long limit, long used, long each) => limit < 0 || each == 0 ? int.MaxValue : (limit - used) / each;
        long Least(IReadOnlyDictionary<string, int> limits, QuotaUsage used) => new[]
        {
            Room(limits[QuotaResources.Instances], used.Instances, 1), Room(limits[QuotaResources.Cores], used.Cores, flavor.Vcpus), Room(limits[QuotaResources.Ram], used.Ram, flavor.MemoryMb),
        }.Min();
        return (int)Math.Max(0, Math.Min(Least(bounds.Project, Of(held.Values, null)), Least(bounds.User ?? bounds.Project, Of(held.Values, userId))));
    }
}
