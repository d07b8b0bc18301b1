using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.XenServer.Dom0;

namespace NovaShim.XenServer.Migrations;

/// <summary>A disk's chain as the source has it now.</summary>
internal sealed record SourceDisk(string Userdevice, bool Bootable, bool ReadOnly, long VirtualSize, IReadOnlyList<VhdFact> Chain)
{
    public VhdFact Leaf => Chain[^1];
}

/// <summary>
/// Sends the files of disks until what has arrived is what the source has. The storage repository may merge files of a chain at any time, also while they are being
/// sent: a file counts as sent only when it was the same before and after, and was then found equal, byte by byte, at the destination.
/// </summary>
internal sealed partial class DiskCopy(
    XenServerHost host, Rsync rsync, MigrationStepContext step, CopyProgress progress, CopyNote note, ILogger<DiskCopy> log)
{
    private const int MaxPasses = 8;

    private readonly Dictionary<string, MigratedFile> _proven = note.Saved.Proven.ToDictionary(f => f.Name);
    private readonly HashSet<string> _sent = [.. note.Saved.Sent];
    private readonly HashSet<string> _different = [];

    /// <summary>
    /// Sends what has not arrived of the disks' chains, with or without their leaves (a running guest writes into them), and returns the chains as they
    /// were when the last look found nothing left to send.
    /// </summary>
    /// <param name="look">Reads the chains anew.</param>
    /// <param name="name">The round's name.</param>
    /// <param name="stopped">Whether the guest is stopped, so that leaves can be sent.</param>
    /// <param name="cancellation">Ends the copy.</param>
    public async Task<IReadOnlyList<SourceDisk>> SendAsync(
        Func<CancellationToken, Task<IReadOnlyList<SourceDisk>>> look, string name, bool stopped, CancellationToken cancellation)
    {
        for (var pass = 0; pass < MaxPasses; pass++)
        {
            var disks = await look(cancellation);
            var missing = disks.SelectMany(d => stopped ? d.Chain : d.Chain.SkipLast(1)).DistinctBy(f => f.Name).Where(f => !IsProven(f)).ToList();
            if (missing.Count == 0)
            {
                return disks;
            }

            if (pass > 0)
            {
                LogSendAgain(step.Migration.Uuid, string.Join(", ", missing.Select(f => f.Name)));
            }

            // Noted before it happens: what may have arrived is what must be cleared away.
            _sent.UnionWith(missing.Select(f => f.Name));
            await note.SaveAsync(c => c with { Sent = [.. _sent.Order()] }, cancellation);

            progress.Begin(name, missing.Sum(f => f.Size), guestRunning: !stopped);
            long before = 0;
            foreach (var file in missing)
            {
                try
                {
                    await rsync.SendAsync([PathOf(file)], mend: _different.Contains(file.Name), moved => progress.Moved(before + Math.Min(moved, file.Size)), cancellation);
                }
                catch (Dom0Exception e) when (e.ExitCode is 23 or 24 && pass < MaxPasses - 1)
                {
                    // Merged away under the copy; the next look knows.
                    LogVanished(step.Migration.Uuid, file.Name, e.Output);
                }
                catch (Dom0Exception e) when (Explain(e) is { } known)
                {
                    throw known;
                }

                before += file.Size;
                progress.Moved(before);
            }

            progress.End();
            var steady = (await look(cancellation)).SelectMany(d => d.Chain).ToHashSet();
            await ProveAsync([.. missing.Where(steady.Contains)], stopped, cancellation);
        }

        throw new StepFailedException($"The disks on {host.Name} kept changing while they were sent (the storage repository is coalescing them, or a disk at the other end is bad).");
    }

    /// <summary>The files of the chains as they were sent, by their names, with the digests of those that were sent with the guest stopped, and of no others: the time is downtime.</summary>
    public async Task<IReadOnlyDictionary<string, MigratedFile>> SealAsync(IEnumerable<SourceDisk> disks, CancellationToken cancellation)
    {
        var files = disks.SelectMany(d => d.Chain).DistinctBy(f => f.Name).Select(f => _proven[f.Name]).ToList();
        var digests = await host.Files.DigestsAsync(host.Settings.SrPath, [.. files.Where(f => f.ComparedSince is null && f.Sha256 is null).Select(f => f.Name)], cancellation);
        return files.Select(f => digests.TryGetValue(f.Name, out var digest) ? f with { Sha256 = digest } : f).ToDictionary(f => f.Name);
    }

    /// <summary>Whether every file of the chains has arrived as it is now.</summary>
    public bool IsComplete(IEnumerable<SourceDisk> disks) => disks.SelectMany(d => d.Chain).All(IsProven);

    /// <summary>Removes from the destination what was sent and is no part of the disks any more.</summary>
    public async Task RemoveStaleAsync(IEnumerable<SourceDisk> disks, CancellationToken cancellation)
    {
        var wanted = disks.SelectMany(d => d.Chain).Select(f => f.Name).ToHashSet();
        var stale = _sent.Where(n => !wanted.Contains(n)).Order().ToList();
        if (stale.Count > 0)
        {
            await rsync.DeleteAsync(stale, cancellation);
            _sent.ExceptWith(stale);
        }
    }

    private async Task ProveAsync(IReadOnlyCollection<VhdFact> files, bool stopped, CancellationToken cancellation)
    {
        if (files.Count == 0)
        {
            return;
        }

        string? mark;
        IReadOnlyList<string> different;
        try
        {
            // The mark before the look: what is written after the mark is seen by its time, what was written before it by the look. What is sent with the guest stopped gets a digest instead.
            mark = stopped ? null : await rsync.MarkAsync(cancellation);
            different = await rsync.FindDifferencesAsync([.. files.Select(PathOf)], files.Max(f => f.Size), cancellation);
        }
        catch (Dom0Exception e) when (e.ExitCode is 23 or 24)
        {
            return;
        }
        catch (Dom0Exception e) when (Explain(e) is { } known)
        {
            throw known;
        }

        _different.UnionWith(different);
        IReadOnlyDictionary<string, string> digests = new Dictionary<string, string>();
        if (host.Settings.ReadAgainBeforeStart && !stopped)
        {
            try
            {
                digests = await host.Files.DigestsAsync(host.Settings.SrPath, [.. files.Select(f => f.Name)], cancellation);
            }
            catch (Dom0Exception e) when (e.Output.Contains("No such file", StringComparison.Ordinal))
            {
                // Merged away; the next look knows.
                return;
            }
        }

        // Should one change now, the next look finds it different from what is noted here.
        foreach (var file in files.Where(f => !different.Contains(f.Name)))
        {
            _proven[file.Name] = new MigratedFile(file.Name, file.Size, file.Modified, file.Uuid, file.ParentUuid, mark, digests.GetValueOrDefault(file.Name));
        }

        await note.SaveAsync(c => c with { Proven = [.. _proven.Values.OrderBy(f => f.Name, StringComparer.Ordinal)] }, cancellation);
    }

    private bool IsProven(VhdFact file) =>
        _proven.TryGetValue(file.Name, out var proven)
        && proven.Size == file.Size && proven.Modified == file.Modified && proven.Uuid == file.Uuid && proven.ParentUuid == file.ParentUuid;

    private string PathOf(VhdFact file) => $"{host.Settings.SrPath}/{file.Name}";

    // What rsync and ssh say, for people; null: nothing is known beyond their own words.
    private StepFailedException? Explain(Dom0Exception e)
    {
        var destination = step.Migration.DestCompute;
        if (e.Output.Contains("No space left", StringComparison.Ordinal))
        {
            return new StepFailedException($"The storage repository of {destination} is full: {e.Output}", StepRecovery.Unwind, e);
        }

        if (e.Output.Contains("Host key verification failed", StringComparison.Ordinal))
        {
            return new StepFailedException(
                $"dom0 of {destination} shows {host.Name} another host key than the one configured for it. Nothing was sent. If it was reinstalled, set its new ssh_host_key; if not, find out who answers there.",
                StepRecovery.Unwind, e);
        }

        if (Rsync.IsOccupied(e))
        {
            return new StepFailedException($"An earlier copy does not end in dom0 of {destination}: it is ended there.", StepRecovery.CopyAgain, e);
        }

        return e.Output.Contains("Permission denied (publickey", StringComparison.Ordinal)
            ? new StepFailedException($"dom0 of {destination} does not take the migration's key: it is let in again.", StepRecovery.CopyAgain, e)
            : null;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Migration {Migration}: {Files} changed while the disks were sent: sending again")]
    private partial void LogSendAgain(string migration, string files);

    [LoggerMessage(Level = LogLevel.Information, Message = "Migration {Migration}: {File} went away while it was sent: {Reason}")]
    private partial void LogVanished(string migration, string file, string reason);
}
