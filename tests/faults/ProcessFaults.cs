using System.Globalization;

namespace NovaShim.Faults;

/// <summary>Processes that die or stand still.</summary>
internal static class ProcessFaults
{
    private static readonly TimeSpan While = TimeSpan.FromSeconds(6);

    public static IReadOnlyList<Fault> All { get; } =
    [
        Killed("source compute", t => t.SourceCompute),
        Killed("destination compute", t => t.DestinationCompute),
        Killed("scheduler", _ => Installation.Scheduler),
        Killed("API", _ => Installation.Api),
        Killed("nats-server", _ => Installation.Bus),
        Killed("document store", _ => Installation.Store),
        Away("source compute", t => t.SourceCompute) with { UntilSilent = true },
        Away("destination compute", t => t.DestinationCompute) with { UntilSilent = true },
        Away("scheduler", _ => Installation.Scheduler),
        Away("nats-server", _ => Installation.Bus),
        AwayForAWhile("API", _ => Installation.Api),
        AwayForAWhile("document store", _ => Installation.Store),
        TakenOver("source compute", t => t.Source),
        TakenOver("destination compute", t => t.Destination),
        Silent("source compute", t => t.SourceCompute),
        Silent("destination compute", t => t.DestinationCompute),
    ];

    /// <summary>SIGKILL, and started again at once.</summary>
    private static Fault Killed(string who, Func<Trial, string> part) => new($"{who} killed", t => KillAsync(t, part(t)));

    /// <summary>SIGKILL, and not started again before everybody else has drawn his conclusions.</summary>
    private static Fault Away(string who, Func<Trial, string> part) => new($"{who} away", async t =>
    {
        var killed = await KillAsync(t, part(t));
        await t.ReleaseAsync();
        await t.SettleAsync();
        return killed;
    });

    /// <summary>SIGKILL of something without which nobody can be asked.</summary>
    private static Fault AwayForAWhile(string who, Func<Trial, string> part) => new($"{who} away for a while", async t =>
    {
        var killed = await KillAsync(t, part(t));
        await t.ReleaseAsync();
        await Task.Delay(While);
        return killed;
    });

    /// <summary>SIGSTOP until its host counts as silent and everybody else has drawn his conclusions; then thawed.</summary>
    private static Fault Silent(string who, Func<Trial, string> part) => new($"{who} frozen until silent", async t =>
    {
        await t.All.FreezeAsync(part(t), Holder.Fault);
        await t.ReleaseAsync(frozen: part(t));
        await t.SettleAsync();
        return Invariant($"process {t.All.PidOf(part(t))} stopped");
    })
    {
        UntilSilent = true,
    };

    /// <summary>
    /// SIGSTOP past the lease while another process for the same host takes over and brings the migration to rest; then thawed. It must change nothing on any host any more: when the other has gone
    /// and it has been heard of again, the hosts' own records show no further deed.
    /// </summary>
    private static Fault TakenOver(string who, Func<Trial, string> host) => new($"{who} frozen, another takes over", async t =>
    {
        var part = Installation.ComputeOf(host(t));
        await t.All.FreezeAsync(part, Holder.Fault);
        await t.All.StartPartAsync(Installation.StandInOf(host(t)));
        await t.ReleaseAsync(frozen: part);
        await t.SettleAsync();
        var before = await t.All.DeedsAsync();
        var pid = t.All.PidOf(part);
        await t.All.ThawAsync(Holder.Fault);
        t.All.StoreRelay.Release();
        await t.All.KillAsync(Installation.StandInOf(host(t)));
        await t.All.UntilBeatsAsync(host(t));
        var deeds = (await t.All.DeedsAsync()).Skip(before.Count).ToList();
        Assert.True(deeds.Count == 0, $"thawed, process {pid} went on: {string.Join(", ", deeds)}");
        return Invariant($"process {pid} stopped; none of its calls changes anything afterwards");
    });

    private static async Task<string> KillAsync(Trial trial, string part)
    {
        var pid = trial.All.PidOf(part);
        await trial.All.KillAsync(part);
        return Invariant($"process {pid} killed");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
