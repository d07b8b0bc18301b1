using System.Globalization;
using NovaShim.System.Tests;

namespace NovaShim.Faults;

/// <summary>What goes wrong with the disks: storage repositories that are full, chains that are merged while they are copied, bits that flip where they were put.</summary>
internal static class DiskFaults
{
    public static IReadOnlyList<Fault> All { get; } =
    [
        // Once the disks are in their place nothing more is written but by the guest.
        new("destination disk full", t => FullAsync(t, t.Destination, "size")) { At = m => m.Copies || m is { Step: "finish_resize", Place: "due" or "at the scan, moved" } },
        new("source disk full", t => FullAsync(t, t.Source, "nr_inodes")) { At = m => m.Place == "at the snapshot" },
        new("source disk full for a moment", FullForAMomentAsync) { At = m => m.Place == "at the snapshot" },
        new("chain merged", MergeAsync) { At = m => m.Copies || m.Place == "at the stop" && m.Verb == Moment.Resize },
        Flipped("base copy", files => files.MaxBy(f => f.Length)!),
        Flipped("leaf", files => files.MinBy(f => f.Length)!),
    ];

    // Bytes are full for a copy; for a snapshot names are, so that the guest's own writing goes on: what a guest does whose disk is full is its own affair.
    private static async Task<string> FullAsync(Trial trial, string host, string what)
    {
        var left = await trial.All.DiskOf(host).FillAsync(what);
        await trial.ReleaseAsync();
        MigrationSeen? end = null;
        await trial.UntilAsync(m => (end = m).Status == "error");
        return $"{left}: {end!.Fault}";
    }

    private static async Task<string> FullForAMomentAsync(Trial trial)
    {
        var left = await trial.All.DiskOf(trial.Source).FillAsync("nr_inodes");
        await trial.ReleaseAsync();
        MigrationSeen? seen = null;
        await trial.UntilAsync(m => (seen = m).Error is not null);
        return $"{left}: {seen!.Error}";
    }

    /// <summary>
    /// Somebody takes a snapshot and deletes it, and the migration's own with it: nothing keeps the storage repository's collector from merging what is being sent. It is done before the copy may go on.
    /// </summary>
    private static async Task<string> MergeAsync(Trial trial)
    {
        var host = trial.HostOf(source: true);
        var vm = await host.FindAsync(trial.Server);
        await host.CallAsync("VM.snapshot", vm, "by hand");
        var before = trial.All.DiskOf(trial.Source).Files;
        foreach (var (snapshot, record) in await host.SnapshotsAsync(vm))
        {
            await host.DestroyAsync(snapshot, record);
        }

        IReadOnlyCollection<string> after = [];
        await Eventually.Async(
            () => (after = trial.All.DiskOf(trial.Source).Files).Count < before.Count - 2, () => $"nothing is merged: {string.Join(", ", after)} of {string.Join(", ", before)}", TimeSpan.FromMinutes(1));
        return string.Create(CultureInfo.InvariantCulture, $"{before.Count} files became {after.Count}");
    }

    // The file's time is put back: nothing but the content tells of it.
    private static Fault Flipped(string what, Func<IReadOnlyList<FileInfo>, FileInfo> which) => new($"bit flipped in a {what} that arrived", async t =>
    {
        var staging = Assert.Single(Directory.GetDirectories(t.All.DiskOf(t.Destination).Folder, "novashim-*", SearchOption.AllDirectories));
        var path = which([.. Directory.GetFiles(staging, "*.vhd").Select(f => new FileInfo(f))]).FullName;
        var time = await RepositoryDisk.RunAsync("stat", "-c", "%.9Y", path);
        await using (var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            stream.Position = stream.Length / 2;
            var was = stream.ReadByte();
            stream.Position--;
            stream.WriteByte((byte)(was ^ 1));
        }

        await RepositoryDisk.RunAsync("touch", "-d", "@" + time.Trim(), path);
        return Path.GetFileName(path);
    })
    {
        At = m => m is { Step: "finish_resize", Place: "due" },
        AtTheEnd = async t => (await t.MigrationAsync()).CopiedAgain is > 0 and var times ? $"copied again {times} times" : throw new InvalidOperationException("nobody has noticed"),
    };
}
