using NovaShim.Compute.Documents;
using NovaShim.Compute.Scheduling;

namespace NovaShim.Compute.Migrations;

/// <summary>
/// Keeps the number of migrations on their way within the configured limits: the others wait in the order in which they were accepted. One leaves the queue only when it is the first that may, so that
/// each finds all before it counted; one whose source is busy enough is passed over by those from other hosts. None goes where an earlier migration of its server has not been swept away yet.
/// </summary>
internal sealed class MigrationQueue(FilterScheduler scheduler, IDocumentStore store, ComputeOptions options)
{
    private readonly IDocumentCollection<MigrationDocument> _migrations = store.Collection<MigrationDocument>();

    /// <summary>Where a migration goes; null when no host fits. Throws <see cref="StepWaitsException"/> while it must wait.</summary>
    public async Task<Hosts.ComputeNodeDocument?> LeaveAsync(MigrationDocument m, CancellationToken cancellation)
    {
        var busy = await WaitForTurnAsync(m, cancellation);
        var earlier = await _migrations.WhereAsync(x => x.InstanceUuid == m.InstanceUuid && x.Uuid != m.Uuid && x.Saga.Actor != null, cancellation);
        var unswept = earlier.SelectMany(x => new[] { x.SourceCompute, x.DestCompute }).OfType<string>().ToList();
        var node = await SelectAsync(m, [.. busy, .. unswept], cancellation);
        if (node is null && busy.Count > 0 && await SelectAsync(m, unswept, cancellation) is { } full)
        {
            throw Waits($"every host it fits on, such as {full.Host}, has {options.ConcurrentMigrationsPerHost} migrations on their way already");
        }

        // What sweeps a host of an earlier migration's remains would take the arriving VM for one of them. It is soon done, or it fails and is not waited for.
        if (node is null && earlier.Any(x => x.Saga.Attempts < options.MaxAttempts) && await SelectAsync(m, [], cancellation) is { } remains)
        {
            throw Waits($"host {remains.Host} has yet to be swept of what an earlier migration has left there");
        }

        return node;
    }

    private Task<Hosts.ComputeNodeDocument?> SelectAsync(MigrationDocument m, IReadOnlyList<string> besides, CancellationToken cancellation) =>
        scheduler.SelectDestinationAsync(m.Saga.NewFlavor, m.SourceCompute, [.. m.Saga.RefusedBy, .. besides], cancellation);

    // Returns the hosts that may have no more.
    private async Task<IReadOnlyList<string>> WaitForTurnAsync(MigrationDocument m, CancellationToken cancellation)
    {
        var (overall, perHost) = (options.ConcurrentMigrations, options.ConcurrentMigrationsPerHost);
        if (overall <= 0 && perHost <= 0)
        {
            return [];
        }

        var all = await _migrations.WhereAsync(
            x => x.Saga.Actor != null
                && (x.Status == MigrationStatus.Queued || x.Status == MigrationStatus.PreMigrating || x.Status == MigrationStatus.Migrating || x.Status == MigrationStatus.PostMigrating),
            cancellation);
        var moving = all.Where(x => x.Saga.Step != ResizeMigration.Schedule).ToList();
        if (overall > 0 && moving.Count >= overall)
        {
            throw Waits($"{moving.Count} migrations are on their way already");
        }

        var busy = moving.SelectMany(x => new[] { x.SourceCompute, x.DestCompute! }).GroupBy(h => h).Where(h => perHost > 0 && h.Count() >= perHost).Select(h => h.Key).ToList();
        if (busy.Contains(m.SourceCompute))
        {
            throw Waits($"host {m.SourceCompute} has {perHost} migrations on their way already");
        }

        return all.Where(x => x.Saga.Step == ResizeMigration.Schedule && x.Id < m.Id && !busy.Contains(x.SourceCompute)).MinBy(x => x.Id) is { } first
            ? throw Waits($"migration {first.Uuid} comes first", options.PollSeconds / 4)
            : busy;
    }

    private StepWaitsException Waits(string why, double? seconds = null) => new($"Queued: {why}.", TimeSpan.FromSeconds(seconds ?? options.PollSeconds));
}

/// <summary>A step has nothing to complain of, but must wait.</summary>
/// <param name="message">For people: what for.</param>
/// <param name="delay">When to look again.</param>
internal sealed class StepWaitsException(string message, TimeSpan delay) : Exception(message)
{
    /// <summary>When to look again.</summary>
    public TimeSpan Delay { get; } = delay;
}
