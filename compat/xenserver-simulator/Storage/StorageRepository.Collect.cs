using Microsoft.Extensions.Logging;
using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Storage;

internal sealed partial class StorageRepository
{
    private async Task CollectAsync(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                await _kick.WaitAsync(ct);
                await Task.Delay(_options.CoalesceDelay, _time, ct);

                // Kicks from here on are for the next run.
                HashSet<string> failed = [];
                try
                {
                    while (await AloneAsync(() => ReduceAsync(failed, ct), ct) is { } changes)
                    {
                        Tell(changes);
                    }
                }
                catch (StorageException e)
                {
                    // Something interrupted could not be settled: nothing else is touched before it is.
                    LogStopped(_log, Directory, e.Message);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host goes down.
        }
    }

    /// <summary>Takes one step; null when there is none left.</summary>
    private async Task<IReadOnlyList<StorageChange>?> ReduceAsync(HashSet<string> failed, CancellationToken ct)
    {
        string about = "";
        try
        {
            VhdTree tree = await ReadTreeAsync(StorageError.ScanFailed, ct);
            string? broken = tree.Nodes.Select(node => node.BrokenLink).FirstOrDefault(link => link is not null);
            if (broken is not null)
            {
                LogStopped(_log, Directory, broken);
                return null;
            }

            switch (Reduction.Next(tree, _options.Now?.Invoke(_options) ?? _options, _locks.Holds, failed))
            {
                case Reduction.Collect { Garbage: var garbage }:
                    about = garbage.Uuid;
                    File.Delete(PathOf(about));
                    LogCollected(_log, Directory, about);
                    return [new StorageChange.Forgotten(about)];
                case Reduction.Coalesce { Node: var node, Parent: var parent }:
                    about = node.Uuid;
                    return await CoalesceAsync(node, parent, ct);
                case Reduction.LeafCoalesce { Leaf: var leaf, Parent: var parent }:
                    about = leaf.Uuid;
                    return await LeafCoalesceAsync(leaf, parent, ct);
                default:
                    return null;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or StorageException)
        {
            LogFailed(_log, Directory, about, e.Message);
            return about.Length > 0 && failed.Add(about) ? [] : null;
        }
    }

    /// <summary>
    /// Guests go on while the data is written: what changes in the parent, the node above it hides. They wait while the children are relinked.
    /// </summary>
    private async Task<IReadOnlyList<StorageChange>> CoalesceAsync(VhdNode node, VhdNode parent, CancellationToken ct)
    {
        long sectors = VhdCoalesce.Run(PathOf(node.Uuid), cancellationToken: ct);
        Step("data merged");
        HashSet<string> above = [];
        AddSubtree(node, above);
        using DiskHolds holds = await HoldAsync(above.Contains, ct);
        holds.Close();
        CoalesceIntent intent = new(node.Uuid, parent.Uuid, [.. node.Children.Select(child => child.Uuid)]);
        intent.Write(Directory);
        Step("coalesce intended");
        intent.Settle(Directory, _options.BetweenSteps);
        StorageIntent.Clear(Directory);
        LogCoalesced(_log, Directory, node.Uuid, parent.Uuid, sectors);
        return [.. intent.Children.Select(child => new StorageChange.Reparented(child, parent.Uuid)), new StorageChange.Forgotten(node.Uuid)];
    }

    /// <summary>The guest waits all through: its own writes are what is merged. That is why only small leaves are.</summary>
    private async Task<IReadOnlyList<StorageChange>> LeafCoalesceAsync(VhdNode leaf, VhdNode parent, CancellationToken ct)
    {
        using DiskHolds holds = await HoldAsync(uuid => uuid == leaf.Uuid, ct);
        holds.Close();
        long sectors = VhdCoalesce.Run(PathOf(leaf.Uuid), cancellationToken: ct);
        Step("leaf merged");
        LeafCoalesceIntent intent = new(leaf.Uuid, parent.Uuid);
        intent.Write(Directory);
        Step("leaf-coalesce intended");
        intent.Settle(Directory, _options.BetweenSteps);
        StorageIntent.Clear(Directory);
        LogCoalesced(_log, Directory, leaf.Uuid, parent.Uuid, sectors);
        return [new StorageChange.Reparented(leaf.Uuid, parent.Facts.ParentUuid), new StorageChange.Forgotten(parent.Uuid)];
    }

    private static void AddSubtree(VhdNode node, HashSet<string> uuids)
    {
        uuids.Add(node.Uuid);
        node.Children.ForEach(child => AddSubtree(child, uuids));
    }

    private void Tell(IReadOnlyList<StorageChange> changes)
    {
        foreach (StorageChange change in changes)
        {
            try
            {
                Changed?.Invoke(change);
            }
            catch (Exception e)
            {
                // A listener's fault must not end the garbage collection; a scan repairs what it missed.
                LogListenerFailed(_log, change, e);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Directory}: garbage collection stopped and touched nothing: {Reason}")]
    private static partial void LogStopped(ILogger log, string directory, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Directory}: garbage collection failed at {Uuid}: {Reason}")]
    private static partial void LogFailed(ILogger log, string directory, string uuid, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Directory}: base copy {Uuid} had no children and is gone")]
    private static partial void LogCollected(ILogger log, string directory, string uuid);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Directory}: {Uuid} merged into {Parent}, {Sectors} sectors")]
    private static partial void LogCoalesced(ILogger log, string directory, string uuid, string parent, long sectors);

    [LoggerMessage(Level = LogLevel.Error, Message = "What follows {Change} failed")]
    private static partial void LogListenerFailed(ILogger log, StorageChange change, Exception failure);
}
