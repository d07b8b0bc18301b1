using System.Globalization;

namespace NovaShim.XenServer.Dom0;

/// <summary>Copies files from the source's dom0 into the destination's staging folder, as the key of the migration allows, and proves what arrived.</summary>
/// <param name="dom0">The source's dom0.</param>
/// <param name="migration">Whose key and staging folder they are.</param>
/// <param name="bandwidthLimit">The most that this migration may send, in KiB per second; 0 = no limit beside the host's own.</param>
/// <param name="assertOurs">Throws when another process has taken over. Asked before each run, because a run ends whatever else copies for the migration.</param>
/// <param name="settings">The host's settings.</param>
/// <param name="time">The clock.</param>
internal sealed class Rsync(ControlDomain dom0, string migration, int bandwidthLimit, Func<CancellationToken, Task> assertOurs, XenServerSettings settings, TimeProvider time)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(0.5);

    // What rsync reads at least in a second, generously low: a file is checked without a word on the wire.
    private const long SlowestReadPerSecond = 8 << 20;

    private const string Differs = "differs ";

    private readonly string _migration = MigrationId.Checked(migration);

    /// <summary>
    /// Sends files. Resumes what is there and skips what has the right size and time. A copy that an earlier run left behind is ended first: two must not write one file.
    /// </summary>
    /// <param name="paths">The files' paths in the source's dom0; their last components are their names in staging.</param>
    /// <param name="mend">Skips nothing: size and time are right, and yet the content is not.</param>
    /// <param name="progress">Gets the bytes covered so far.</param>
    /// <param name="cancellation">Ends the copy, there too.</param>
    /// <exception cref="Dom0Exception">rsync failed; its exit code says why.</exception>
    public Task SendAsync(IReadOnlyCollection<string> paths, bool mend, Action<long> progress, CancellationToken cancellation) =>
        RunAsync(
            "sending disks",
            [
                "--times", "--partial", "--inplace", "--info=progress2", "--no-human-readable", "--outbuf=L", $"--timeout={Idle(0)}",
                .. mend ? ["--ignore-times"] : Array.Empty<string>(),
                .. LowerOf(bandwidthLimit, settings.BandwidthLimit) is { } limit ? [string.Create(CultureInfo.InvariantCulture, $"--bwlimit={limit}")] : Array.Empty<string>(),
                "--", .. paths, MigrationKey.Destination + ":./",
            ],
            line =>
            {
                if (RsyncProgress.TryParse(line, out var now))
                {
                    progress(now.Bytes);
                }
            },
            cancellation);

    /// <summary>
    /// Puts a mark beside the files that arrived and returns its name: a file of no meaning whose own time of change, by the destination's clock and nobody else's, is now. Whatever is written into another file there from
    /// now on gives that one a later time of change (ctime), which nobody can set back.
    /// </summary>
    public async Task<string> MarkAsync(CancellationToken cancellation)
    {
        var mark = "compared-" + Guid.NewGuid().ToString("N");
        await RunAsync("marking what is compared", ["--ignore-times", $"--timeout={Idle(0)}", "--", "known_hosts", $"{MigrationKey.Destination}:./{mark}"], _ => { }, cancellation);
        return mark;
    }

    /// <summary>Compares files with what arrived, by their whole content and their times, and returns the names of those that differ.</summary>
    /// <param name="paths">The files' paths in the source's dom0.</param>
    /// <param name="largest">Bytes of the largest.</param>
    /// <param name="cancellation">Ends the comparison.</param>
    public async Task<IReadOnlyList<string>> FindDifferencesAsync(IReadOnlyCollection<string> paths, long largest, CancellationToken cancellation)
    {
        var different = new List<string>();
        await RunAsync(
            "comparing the disks that were sent",
            ["--times", "--checksum", "--dry-run", "--out-format=" + Differs + "%i %n", $"--timeout={Idle(largest)}", "--", .. paths, MigrationKey.Destination + ":./"],
            line =>
            {
                if (line.StartsWith(Differs, StringComparison.Ordinal) && line.IndexOf(' ', Differs.Length) is > 0 and var name)
                {
                    different.Add(line[(name + 1)..]);
                }
            },
            cancellation);
        return different;
    }

    /// <summary>Deletes files from staging by their names. Absent ones do not matter.</summary>
    public Task DeleteAsync(IEnumerable<string> names, CancellationToken cancellation) =>
        RunAsync(
            "removing what is no part of the disks any more",
            ["--recursive", "--delete", .. names.Select(n => "--include=/" + n), "--exclude=*", $"--timeout={Idle(0)}", "--", "nothing/", MigrationKey.Destination + ":./"],
            _ => { },
            cancellation);

    /// <summary>
    /// Whether rrsync refused because another copy is at work in the folder: it takes a lock on it (rsync 3.2.5 and later). One that was ended at the source holds it until
    /// its other half has noticed.
    /// </summary>
    public static bool IsOccupied(Dom0Exception e) => e.Output.Contains("Another instance of rrsync", StringComparison.Ordinal);

    // The one before has as long to go as rsync waits for a word from the other side.
    private async Task RunAsync(string what, IReadOnlyCollection<string> arguments, Action<string> onLine, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            await assertOurs(cancellation);
            try
            {
                await RunOnceAsync(what, arguments, onLine, cancellation);
                return;
            }
            catch (Dom0Exception e) when (IsOccupied(e) && time.GetElapsedTime(began) < settings.TransferIdleTimeout)
            {
                await Task.Delay(LookAgain, time, cancellation);
            }
        }
    }

    // rsync works in the key's folder, which is how a leftover one is found. It ends when the control plane's end of the connection does: nobody copies unwatched.
    private Task RunOnceAsync(string what, IReadOnlyCollection<string> arguments, Action<string> onLine, CancellationToken cancellation) =>
        dom0.RunAsync(
            what,
            Processes.EndThoseIn + """

            dir=$HOME/.novashim/$1
            shift
            end_those_in "$dir" || exit
            cd "$dir" || exit
            exec 3<&0
            rsync -e 'ssh -F ssh_config' "$@" </dev/null 3<&- &
            copy=$!
            cd /
            ( trap 'exit 0' TERM; read -r _ <&3; kill "$copy" 2>/dev/null ) >/dev/null 2>&1 &
            watch=$!
            trap 'kill "$copy" 2>/dev/null' TERM HUP INT
            wait "$copy"
            status=$?
            kill "$watch" 2>/dev/null
            exit $status
            """,
            [_migration, .. arguments], settings.TransferTimeout, onLine, cancellation);

    /// <summary>The lower of two limits, of which 0 is none; null: neither is one.</summary>
    internal static int? LowerOf(int one, int other) => new[] { one, other }.Where(l => l > 0).Select(l => (int?)l).Min();

    private int Idle(long bytesReadInSilence) => Math.Max(1, (int)settings.TransferIdleTimeout.TotalSeconds) + (int)Math.Min(bytesReadInSilence / SlowestReadPerSecond, 1 << 20);
}
