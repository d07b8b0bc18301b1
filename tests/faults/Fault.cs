using System.Diagnostics;

namespace NovaShim.Faults;

/// <summary>What goes wrong at a moment. When <paramref name="Strike"/> has returned, everything is mended and the migration has to go on.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Strike">Does it.</param>
internal sealed record Fault(string Name, Func<Trial, Task> Strike)
{
    // Longer than service_down_seconds and lease_seconds of the installation.
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(3);

    /// <summary>All faults.</summary>
    public static IReadOnlyList<Fault> All { get; } =
    [
        Kill("source compute", t => t.SourceCompute, TimeSpan.Zero),
        Kill("destination compute", t => t.DestinationCompute, TimeSpan.Zero),
        Kill("scheduler", _ => Installation.Scheduler, TimeSpan.Zero),
        Kill("API", _ => Installation.Api, TimeSpan.Zero),
        Kill("source compute", t => t.SourceCompute, Long),
        Kill("destination compute", t => t.DestinationCompute, Long),
        Freeze("source compute", t => t.SourceCompute),
        Freeze("destination compute", t => t.DestinationCompute),
        Kill("nats-server", _ => Installation.Bus, TimeSpan.Zero),
        Kill("nats-server", _ => Installation.Bus, Long),
        Kill("document store", _ => Installation.Store, TimeSpan.Zero),
        Kill("document store", _ => Installation.Store, Long),
        new("rsync killed", t => KillInDom0Async(t, "rsync")),
        new("network cut 3 s", CutAsync),
        new("sessions expired", t => AtBothAsync(t, "expire-sessions")),
        new("XenAPI refused 3 s", RefuseAsync),
    ];

    private static Fault Kill(string who, Func<Trial, string> part, TimeSpan away) => new(
        away == TimeSpan.Zero ? $"{who} killed" : $"{who} away {away.TotalSeconds:0} s",
        async t =>
        {
            await t.All.KillAsync(part(t));
            await Task.Delay(away);
        });

    private static Fault Freeze(string who, Func<Trial, string> part) => new(
        $"{who} frozen {Long.TotalSeconds:0} s",
        async t =>
        {
            await t.All.FreezeAsync(part(t));
            await Task.Delay(Long);
        });

    private static async Task CutAsync(Trial trial)
    {
        foreach (var host in Installation.Hosts)
        {
            await trial.All.NetworkAsync(host, "cut");
        }

        await Task.Delay(Short);
    }

    private static async Task RefuseAsync(Trial trial)
    {
        foreach (var host in Installation.Hosts)
        {
            await trial.All.FaultAsync(host, "clear");
        }

        await AtBothAsync(trial, "refuse", "3");
        await Task.Delay(Short);
    }

    private static async Task AtBothAsync(Trial trial, params string[] fault)
    {
        foreach (var host in Installation.Hosts)
        {
            await trial.All.FaultAsync(host, fault);
        }
    }

    // Only processes below the source's own simulator: nobody else's rsync is touched.
    private static async Task KillInDom0Async(Trial trial, string program)
    {
        foreach (var process in Process.GetProcessesByName(program))
        {
            using (process)
            {
                var folder = new FileInfo($"/proc/{process.Id}/cwd").LinkTarget ?? "";
                var command = await File.ReadAllTextAsync($"/proc/{process.Id}/cmdline");
                if (folder.StartsWith(trial.All.RootOf(trial.Source), StringComparison.Ordinal) || command.Contains(trial.All.RootOf(trial.Source), StringComparison.Ordinal))
                {
                    process.Kill();
                }
            }
        }
    }
}
