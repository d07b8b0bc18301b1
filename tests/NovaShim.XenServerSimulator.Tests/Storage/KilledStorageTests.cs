using NovaShim.XenServerSimulator.Guests;
using NovaShim.XenServerSimulator.Guests.Journal;
using NovaShim.XenServerSimulator.Storage;

namespace NovaShim.XenServerSimulator.Tests.Storage;

/// <summary>
/// A process may be killed between any two steps. Each test copies the directory at every step, hard links as they are, and opens the copy: what a restart
/// would find.
/// </summary>
public sealed class KilledStorageTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public async Task Killed_anywhere_in_a_snapshot_the_disk_is_there_as_it_was_or_the_snapshot_is_whole()
    {
        using HostFolder copies = new();
        List<string> taken = [];
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.CreateAsync();
        await sr.WriteAsync(leaf, 0, 3 * MiB, 1);
        await sr.SnapshotAsync(leaf);
        await sr.WriteAsync(leaf, MiB, 4096, 2);
        string content = sr.ContentOf(leaf);
        await sr.OpenAgainAsync(o => o with { BetweenSteps = step => taken.Add(Copy(sr.Directory, copies[$"{taken.Count} {step}"])) });

        await sr.SnapshotAsync(leaf);

        Assert.Equal(5, taken.Count);
        foreach (string directory in taken)
        {
            await using StorageRepository again = await StorageFixture.OpenAsync(directory, new StorageOptions { CoalesceDelay = StorageFixture.Never });
            IReadOnlyList<VhdFacts> seen = await again.ScanAsync(CancellationToken.None);
            Assert.True(seen.Count == 3, $"{directory}: {string.Join(", ", seen)}");
            Assert.False((await again.FindAsync(leaf, CancellationToken.None))!.Hidden);
            Assert.Equal(content, StorageFixture.ContentAt(Path.Combine(directory, leaf + ".vhd")));
            Assert.Empty(Directory.GetFiles(directory, "*.new"));
            await CollectedAsync(directory, leaf, content);
        }
    }

    [Fact]
    public async Task Killed_anywhere_in_a_coalesce_under_a_writing_guest_its_journal_is_whole()
    {
        using HostFolder copies = new();
        List<(string Directory, long Acknowledged)> taken = [];
        Guest? guest = null;
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.ImageAsync();
        await using (Disk first = await sr.Repository.AttachAsync(leaf, false, CancellationToken.None))
        {
            await using Guest before = StorageFixture.Boot(first, 8 * MiB);
            SnapshotFacts snapshot = await sr.SnapshotAsync(leaf);
            await HostFolder.UntilAsync(() => before.State.LastSequence > 200, "records are in the first base");
            await sr.Repository.DestroyAsync(snapshot.SnapshotUuid, CancellationToken.None);
            await sr.SnapshotAsync(leaf);
            long soFar = before.State.LastSequence;
            await HostFolder.UntilAsync(() => before.State.LastSequence > soFar + 200, "records are in the leaf");
            await before.ShutdownAsync(CancellationToken.None);
        }

        await sr.OpenAgainAsync(o => o with
        {
            CoalesceDelay = TimeSpan.FromMilliseconds(300),
            BetweenSteps = step =>
            {
                long acknowledged = guest?.State.LastSequence ?? 0;
                taken.Add((Copy(sr.Directory, copies[$"{taken.Count} {step}"]), acknowledged));
            },
        });
        await using Disk disk = await sr.Repository.AttachAsync(leaf, false, CancellationToken.None);
        await using (guest = StorageFixture.Boot(disk, 4 * MiB))
        {
            await HostFolder.UntilAsync(() => sr.Changes.OfType<StorageChange.Forgotten>().Any(), "a base is merged");
            long merged = guest.State.LastSequence;
            await HostFolder.UntilAsync(() => guest.State.LastSequence > merged + 100 || guest.State.Error is not null, "the guest goes on");
            await guest.ShutdownAsync(CancellationToken.None);
        }

        Assert.True(taken.Count >= 5, $"{taken.Count} steps");
        foreach ((string directory, long acknowledged) in taken)
        {
            await (await StorageFixture.OpenAsync(directory, new StorageOptions { CoalesceDelay = StorageFixture.Never })).DisposeAsync();
            JournalReport report = await JournalCommand.VerifyAsync(Path.Combine(directory, leaf + ".vhd"), CancellationToken.None);
            Assert.True(report.Whole && report.Last >= acknowledged, $"{directory}: {report}, acknowledged {acknowledged}");
            await CollectedAsync(directory, leaf, StorageFixture.ContentAt(Path.Combine(directory, leaf + ".vhd")));
        }
    }

    [Fact]
    public async Task Killed_anywhere_in_a_leaf_coalesce_the_disk_holds_what_it_held()
    {
        using HostFolder copies = new();
        List<string> taken = [];
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.CreateAsync();
        await sr.WriteAsync(leaf, 0, 3 * MiB, 1);
        SnapshotFacts snapshot = await sr.SnapshotAsync(leaf);
        await sr.WriteAsync(leaf, MiB, 4096, 2);
        await sr.Repository.DestroyAsync(snapshot.SnapshotUuid, CancellationToken.None);
        string content = sr.ContentOf(leaf);

        await sr.OpenAgainAsync(o => o with { CoalesceDelay = TimeSpan.Zero, BetweenSteps = step => taken.Add(Copy(sr.Directory, copies[$"{taken.Count} {step}"])) });
        await HostFolder.UntilAsync(() => sr.Changes.Count == 2, "the leaf is merged");

        Assert.Equal(4, taken.Count);
        Assert.All(taken, directory => Assert.Equal(content, StorageFixture.ContentAt(Path.Combine(directory, leaf + ".vhd"))));
        foreach (string directory in taken)
        {
            await CollectedAsync(directory, leaf, content);
            Assert.Equal([Path.Combine(directory, leaf + ".vhd")], Directory.GetFiles(directory, "*.vhd"));
        }
    }

    /// <summary>Opens a directory, lets the collector finish, and proves the disk.</summary>
    private static async Task CollectedAsync(string directory, string leaf, string content)
    {
        await using (StorageRepository repository = await StorageFixture.OpenAsync(directory, new StorageOptions { CoalesceDelay = TimeSpan.Zero }))
        {
            DateTime quietSince = DateTime.UtcNow;
            string[] before = [];
            await HostFolder.UntilAsync(
                () =>
                {
                    string[] now = [.. Directory.GetFiles(directory).Order()];
                    if (!now.SequenceEqual(before))
                    {
                        (before, quietSince) = (now, DateTime.UtcNow);
                    }

                    return DateTime.UtcNow - quietSince > TimeSpan.FromMilliseconds(300);
                },
                "the collector is done");
            await repository.ScanAsync(CancellationToken.None);
        }

        Assert.Equal(content, StorageFixture.ContentAt(Path.Combine(directory, leaf + ".vhd")));
        Assert.False(File.Exists(Path.Combine(directory, "intent.json")));
    }

    private static string Copy(string from, string to)
    {
        (int exit, _, string error) = HostFolder.RunAsync("/usr/bin/cp", "-a", from, to).GetAwaiter().GetResult();
        Assert.True(exit == 0, error);
        return to;
    }
}
