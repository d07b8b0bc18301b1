using System.Diagnostics;

namespace NovaShim.Faults;

/// <summary>What goes wrong on the hosts and between them.</summary>
internal static class HostFaults
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(3);

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("rsync killed", KillRsyncAsync) { At = m => m.Copies },
        new("network cut 3 s", CutAsync),
        new("sessions expired", ExpireAsync),
        new("XenAPI refused 3 s", RefuseAsync),
    ];

    private static async Task<string> CutAsync(Trial trial)
    {
        foreach (var host in Installation.Hosts)
        {
            await trial.All.NetworkAsync(host, "cut");
        }

        await Task.Delay(Short);
        return "cut";
    }

    private static async Task<string> ExpireAsync(Trial trial)
    {
        await AtBothAsync(trial, "expire-sessions");
        return "expired";
    }

    private static async Task<string> RefuseAsync(Trial trial)
    {
        await trial.ReleaseAsync();
        await AtBothAsync(trial, "refuse", "3");
        await Task.Delay(Short);
        return "refused";
    }

    private static async Task AtBothAsync(Trial trial, params string[] fault)
    {
        foreach (var host in Installation.Hosts)
        {
            await trial.All.FaultAsync(host, fault);
        }
    }

    // Only processes below the source's own simulator: nobody else's rsync is touched.
    private static async Task<string> KillRsyncAsync(Trial trial)
    {
        var killed = new List<int>();
        foreach (var process in Process.GetProcessesByName("rsync"))
        {
            using (process)
            {
                try
                {
                    var folder = new FileInfo($"/proc/{process.Id}/cwd").LinkTarget ?? "";
                    var command = await File.ReadAllTextAsync($"/proc/{process.Id}/cmdline");
                    if (folder.StartsWith(trial.All.RootOf(trial.Source), StringComparison.Ordinal) || command.Contains(trial.All.RootOf(trial.Source), StringComparison.Ordinal))
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

        Assert.NotEmpty(killed);
        return $"processes {string.Join(", ", killed)} killed";
    }
}
