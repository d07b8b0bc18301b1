using NovaShim.Compute.Documents;
using NovaShim.Compute.Scheduling;
using NovaShim.Compute.Servers;

namespace NovaShim.Compute.Migrations;

/// <summary>
/// Keeps the number of migrations on their way within the configured limits: the others wait in the order in which they were accepted. One leaves the queue only when it is the first that may, so that
/// each finds all before it counted; one whose source is busy enough is passed over by those from other hosts. None goes where an earlier migration of its server has not been swept away yet.
/// Schedulers leave the queue with one migration at a time: who counts must find those that are just leaving.
/// </summary>
internal sealed class MigrationQueue(FilterScheduler scheduler, IDocumentStore store, ComputeOptions options)
{
    private readonly IDocumentCollection<MigrationDocument> _migrations = store.Collection<MigrationDocument>();
    private readonly IDocumentCollection<QueueTurnDocument> _turns = store.Collection<QueueTurnDocument>();

    /// <summary>Where a migration goes; null when no host fits. Throws <see cref="StepWaitsException"/> while it must wait.</summary>
    public async Task<Hosts.ComputeNodeDocument?> LeaveAsync(MigrationDocument m, CancellationToken cancellation)
    {
        if (options is { ConcurrentMigrations: <= 0, ConcurrentMigrationsPerHost: <= 0 })
        {
            return await ChooseAsync(m, cancellation);
        }

        await TakeTurnAsync(m, cancellation);
        try
        {
            return await ChooseAsync(m, cancellation);
        }
        catch (StepWaitsException)
        {
            await _turns.UpdateAsync(QueueTurnDocument.OnlyKey, t => t.MigrationUuid == m.Uuid ? t with { MigrationUuid = null } : null, cancellation);
            throw;
        }
    }

    // The turn ends by itself when the migration has left the queue, in whatever way: then it is counted. Whose process has died in between is taken up by another, and has its turn still.
    private async Task TakeTurnAsync(MigrationDocument m, CancellationToken cancellation)
    {
        while (true)
        {
            var turn = await _turns.GetAsync(QueueTurnDocument.OnlyKey, cancellation);
            if (turn?.MigrationUuid is { } other && other != m.Uuid && await _migrations.GetAsync(other, cancellation) is { Saga: { Step: ResizeMigration.Schedule, Actor: not null } })
            {
                throw Waits($"migration {other} comes first", options.PollSeconds / 4);
            }

            try
            {
                // Written even where it is this one's already: two processes that both take it to be theirs are not both right.
                if (turn is null
                    ? await _turns.InsertAsync(new QueueTurnDocument { Key = QueueTurnDocument.OnlyKey, MigrationUuid = m.Uuid }, cancellation) is not null
                    : await _turns.ReplaceAsync(turn with { MigrationUuid = m.Uuid }, cancellation) is not null)
                {
                    return;
                }
            }
            catch (DuplicateKeyException)
            {
                // Another scheduler was faster.
            }
        }
    }

    private async Task<Hosts.ComputeNodeDocument?> ChooseAsync(MigrationDocument m, CancellationToken cancellation)
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

    private async Task<Hosts.ComputeNodeDocument?> SelectAsync(MigrationDocument m, IReadOnlyList<string> besides, CancellationToken cancellation) =>
        await store.Collection<InstanceDocument>().GetAsync(m.InstanceUuid, cancellation) is { } server
            ? await scheduler.SelectDestinationAsync(server, m.Saga.NewFlavor, m.SourceCompute, [.. m.Saga.RefusedBy, .. besides], cancellation)
            : null;

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

/// <summary>Which migration is leaving the queue just now.</summary>
public sealed record QueueTurnDocument : Document
{
    /// <summary>There is one such document.</summary>
    public const string OnlyKey = "migrations";

    /// <summary>The migration; null: none.</summary>
    public string? MigrationUuid { get; init; }
}

/// <summary>A step has nothing to complain of, but must wait.</summary>
/// <param name="message">For people: what for.</param>
/// <param name="delay">When to look again.</param>
internal sealed class StepWaitsException(string message, TimeSpan delay) : Exception(message)
{
    /// <summary>When to look again.</summary>
    public TimeSpan Delay { get; } = delay;
}
