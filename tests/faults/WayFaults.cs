using System.Diagnostics;
using System.Globalization;
using NovaShim.System.Tests;

namespace NovaShim.Faults;

/// <summary>What goes wrong on the way between the hosts, and on the way into each: rsync, sshd, the network, the host key.</summary>
internal static class WayFaults
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(3);

    public static IReadOnlyList<Fault> All { get; } =
    [
        RsyncKilled("source", t => t.Source),
        RsyncKilled("destination", t => t.Destination),
        SshdKilled("source", t => t.Source),
        SshdKilled("destination", t => t.Destination),
        new("network cut 3 s", CutAsync) { At = m => m.Copies },
        new("network away", AwayAsync) { At = m => m.Copies },
        new("bits flipped on the wire", SpoilAsync) { At = m => m.Copies },
        new("host key changed", ChangeHostKeyAsync) { At = m => m.Copies || m is { Step: "prep_resize" or "finish_resize", Place: "due" } },
    ];

    private static Fault RsyncKilled(string side, Func<Trial, string> host) => new($"rsync killed at the {side}", async t =>
    {
        // One file's rsync may just have ended and the next not begun.
        IReadOnlyList<int> killed = [];
        await Eventually.Async(() => (killed = KillIn(t.All.RootOf(host(t)), "rsync")).Count > 0, () => $"no rsync runs at the {side}", TimeSpan.FromSeconds(30));
        return $"processes {string.Join(", ", killed)} killed";
    })
    {
        At = m => m.Copies,
    };

    private static Fault SshdKilled(string side, Func<Trial, string> host) => new($"sshd of the {side} killed 2 s", async t =>
    {
        await t.All.FaultAsync(host(t), "restart-sshd", "2");
        return "sshd killed with its sessions";
    });

    private static async Task<string> CutAsync(Trial trial)
    {
        var before = await trial.MigrationAsync();
        await trial.All.NetworkAsync(trial.Destination, "cut");
        await Task.Delay(Short);
        return await FailedAsync(trial, before);
    }

    private static async Task<string> AwayAsync(Trial trial)
    {
        await trial.All.NetworkAsync(trial.Destination, "cut");
        var end = await TakenBackAsync(trial);
        return $"cut until: {end.Fault}";
    }

    private static async Task<string> SpoilAsync(Trial trial)
    {
        var before = await trial.MigrationAsync();
        await trial.All.NetworkAsync(trial.Destination, "noisy", "20000");
        return await FailedAsync(trial, before);
    }

    private static async Task<string> ChangeHostKeyAsync(Trial trial)
    {
        await trial.All.FaultAsync(trial.Destination, "strange-host-key");
        var arrived = trial.All.DiskOf(trial.Destination).Bytes;
        await trial.ProceedAsync();
        var end = await TakenBackAsync(trial);
        Assert.Contains("host key", end.Fault, StringComparison.Ordinal);
        Assert.True(trial.All.DiskOf(trial.Destination).Bytes <= arrived, "something was sent to a stranger");
        return $"refused: {end.Fault}";
    }

    // The network is slow at these moments: a copy that goes on in spite of the fault does not come to its end unseen.
    private static async Task<string> FailedAsync(Trial trial, MigrationSeen before)
    {
        MigrationSeen? seen = null;
        await trial.UntilAsync(m => (seen = m) is { Error: not null } || m.Status == "error" || m.Step != before.Step);
        return seen!.Error ?? seen.Fault ?? throw new InvalidOperationException($"the copy came to its end in spite of it: {seen}");
    }

    private static async Task<MigrationSeen> TakenBackAsync(Trial trial)
    {
        MigrationSeen? end = null;
        await trial.UntilAsync(m => (end = m).Status == "error");
        return end!;
    }

    // Every process of a simulated dom0 carries its root in its environment: nobody else's is touched.
    private static IReadOnlyList<int> KillIn(string root, string program)
    {
        var killed = new List<int>();
        foreach (var process in Process.GetProcessesByName(program))
        {
            using (process)
            {
                try
                {
                    var environment = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Id}/environ"));
                    if (environment.Contains($"XENSERVER_SIMULATOR_DOM0={root}#", StringComparison.Ordinal))
                    {
                        process.Kill();
                        killed.Add(process.Id);
                    }
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
                {
                    // It has ended by itself.
                }
            }
        }

        return killed;
    }
}
