using System.Text.Json.Nodes;
using NovaShim.System.Tests;

namespace NovaShim.Faults;

/// <summary>What the oracle and the moments ask of a migration's document.</summary>
internal sealed record MigrationSeen(
    string Uuid, string Status, string Step, string? Actor, bool Leased, long BytesDone, string? Fault, string? Error = null, int CopiedAgain = 0);

/// <summary>How a cell has gone.</summary>
/// <param name="Proof">That the fault has struck.</param>
/// <param name="Meanwhile">Where the server stood while the fault lasted; null where nobody waited for that.</param>
/// <param name="End">Where it ended.</param>
/// <param name="Reason">Why it was taken back; null otherwise.</param>
internal sealed record Course(string Proof, string? Meanwhile, Outcome End, string? Reason)
{
    public override string ToString() => $"{(Meanwhile is null ? "" : $"{Meanwhile}; then ")}{End}{(Reason is null ? "" : $": {Reason}")}";
}

/// <summary>One server in one installation, moved once while something goes wrong.</summary>
internal sealed class Trial
{
    private const string SmallFlavor = "1";
    private const string BigFlavor = "2";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly Expected.Rule? _rule;
    private string? _meanwhile;

    private Trial(Installation all, string server, string source, Expected.Rule? rule) =>
        (All, Server, Source, Destination, _rule) = (all, server, source, Installation.Hosts.Single(h => h != source), rule);

    public Installation All { get; }

    public string Server { get; }

    public string Source { get; }

    public string Destination { get; }

    public string SourceCompute => Installation.ComputeOf(Source);

    public string DestinationCompute => Installation.ComputeOf(Destination);

    /// <summary>Boots a server and, for a confirm or a revert, moves it; lets the fault strike at the moment, mends it, and waits for the end. Throws with what is not as it should be.</summary>
    public static async Task<Course> RunAsync(Installation all, Moment moment, Fault fault)
    {
        var rule = Expected.Of(moment, fault);
        var trial = moment.Verb == Moment.Resize ? await BootedAsync(all, rule) : await MovedAsync(all, rule);
        await using var watch = new RunningWatch(trial);
        await fault.Arm(trial);
        await moment.Arm(trial);
        await trial.AskAsync(moment.Verb);
        await moment.Reach(trial);
        var proof = await fault.Strike(trial);
        await trial.ReleaseAsync();
        await all.MendAsync();
        var end = await trial.EndAsync(rule.End);
        if (fault.AtTheEnd is { } atTheEnd)
        {
            proof += "; " + await atTheEnd(trial);
        }

        await all.TidyAsync();
        await watch.DisposeAsync();
        var reason = end is Outcome.TakenBack ? (await trial.MigrationAsync()).Fault : null;
        await new Oracle(trial).JudgeAsync(end);
        return new Course(proof, trial._meanwhile, end, reason);
    }

    /// <summary>A server that has been moved, and waits for its user's word.</summary>
    public static async Task<Trial> MovedAsync(Installation all, Expected.Rule? rule = null)
    {
        var trial = await BootedAsync(all, rule);
        await trial.AskAsync(Moment.Resize);
        await trial.EndAsync(Outcome.Verify);
        return trial;
    }

    public string NameOf(bool source) => source ? Source : Destination;

    public XenHost HostOf(bool source) => HostOf(NameOf(source));

    public XenHost HostOf(string host) => new(All.FactsOf(host));

    /// <summary>Whose write the moment holds on its way to the store; null: nobody's.</summary>
    public string? Writer { get; set; }

    /// <summary>Ends what the moment holds: the migration goes on, as far as the fault lets it. A write of who stands still has not been sent, and comes late, when it goes on and all is mended.</summary>
    /// <param name="frozen">Who stands still.</param>
    public Task ReleaseAsync(string? frozen = null) => All.ReleaseAsync(butWrites: frozen is not null && frozen == Writer);

    /// <summary>As <see cref="ReleaseAsync"/> at a moment that is held by no fault of the hosts, whose own faults stay.</summary>
    public async Task ProceedAsync()
    {
        await All.ThawAsync(Holder.Moment);
        All.StoreRelay.Release();
        foreach (var host in Installation.Hosts)
        {
            await All.NetworkAsync(host, "heal");
        }
    }

    public Task UntilStepAsync(string step) => UntilAsync(m => m.Step == step);

    /// <summary>Waits until the migration's document is as wanted.</summary>
    public async Task UntilAsync(Func<MigrationSeen, bool> wanted)
    {
        MigrationSeen? seen = null;
        await Eventually.Async(async () => wanted(seen = await MigrationAsync()), () => $"the moment did not come: {seen}", Patience);
    }

    /// <summary>While the fault lasts: waits until the server stands where the rule of this cell says that it must by then.</summary>
    public async Task SettleAsync()
    {
        Assert.True(_rule is not null && _rule.Meanwhile != Outcome.None, "the rule of this cell does not say where the server must stand while the fault lasts");
        var (outcome, fault) = await UntilAsync(_rule!.Meanwhile, rest: false);
        _meanwhile = $"meanwhile {outcome}{(fault is null ? "" : $" ({fault})")}";
    }

    /// <summary>The server's newest migration.</summary>
    public async Task<MigrationSeen> MigrationAsync()
    {
        var found = (await All.Nova.SendAsync(HttpMethod.Get, $"/odata/v1/Migrations?$filter=instance_uuid eq '{Server}'&$orderby=id desc&$top=1"))["value"]![0]!;
        var saga = found["saga"]!;
        return new MigrationSeen(
            found["uuid"]!.ToString(), found["status"]!.ToString(), saga["step"]!.ToString(), saga["actor"]?.ToString(), saga["lease"] is not null,
            saga["progress"]!["bytes_done"]!.GetValue<long>(), saga["fault"]?.ToString(), saga["error"]?.ToString(), saga["copied_again"]!.GetValue<int>());
    }

    /// <summary>Deletes the server and waits until it is gone.</summary>
    public async Task DeleteAsync()
    {
        await All.Nova.SendAsync(HttpMethod.Delete, $"/v2.1/servers/{Server}");
        await UntilAsync(Outcome.Deleted, rest: false);
    }

    /// <summary>Asks for a resize, or to confirm or revert it.</summary>
    public Task AskAsync(string verb) =>
        All.Nova.ActAsync(Server, verb == Moment.Resize ? $$$"""{"resize": {"flavorRef": "{{{BigFlavor}}}"}}""" : $$"""{"{{verb}}": null}""");

    /// <summary>Asks for an action and returns the status of the answer.</summary>
    public Task<int> TryAsync(string action) => All.Nova.TryAsync(HttpMethod.Post, $"/v2.1/servers/{Server}/action", action);

    /// <summary>Waits until the server has come to rest at one of these ends, its migration with it.</summary>
    public async Task<Outcome> EndAsync(Outcome ends) => (await UntilAsync(ends, rest: true)).Outcome;

    private static async Task<Trial> BootedAsync(Installation all, Expected.Rule? rule)
    {
        var server = await all.Nova.BootAsync(Installation.Image, SmallFlavor);
        return new Trial(all, server, (await all.Nova.ShowAsync(server))["OS-EXT-SRV-ATTR:host"]!.ToString(), rule);
    }

    // The API may need a moment to reach what has only just come back.
    private async Task<(Outcome Outcome, string? Fault)> UntilAsync(Outcome wanted, bool rest)
    {
        var outcome = Outcome.None;
        JsonNode? seen = null;
        MigrationSeen? migration = null;
        await Eventually.Async(
            async () =>
            {
                try
                {
                    (outcome, seen, migration) = await LookAsync();
                    return wanted.HasFlag(outcome) && outcome != Outcome.None && (!rest || migration is null or { Actor: null, Leased: false });
                }
                catch (Exception e) when (e is HttpRequestException or TaskCanceledException or Xunit.Sdk.XunitException)
                {
                    return false;
                }
            },
            () => $"{wanted} is expected, and it is {outcome}: {migration} {seen}",
            Patience);
        return (outcome, seen?["fault"]?["message"]?.ToString());
    }

    private async Task<(Outcome Outcome, JsonNode? Server, MigrationSeen? Migration)> LookAsync()
    {
        var all = (await All.Nova.SendAsync(HttpMethod.Get, "/v2.1/servers/detail"))["servers"]!.AsArray();
        if (all.FirstOrDefault(s => s!["id"]!.ToString() == Server) is not { } server)
        {
            return (Outcome.Deleted, null, null);
        }

        var migration = await MigrationAsync();
        var outcome = (server["status"]!.ToString(), server["OS-EXT-STS:task_state"], migration.Status) switch
        {
            ("ERROR", _, _) => IsHonest(server["fault"]?["message"]?.ToString()) ? Outcome.Waiting : Outcome.None,
            ("VERIFY_RESIZE", null, "finished") => Outcome.Verify,
            ("ACTIVE", null, "error") => Outcome.TakenBack,
            ("ACTIVE", null, "confirmed") => Outcome.Confirmed,
            ("ACTIVE", null, "reverted") => Outcome.Reverted,
            _ => Outcome.Working,
        };
        return (outcome, server, migration);
    }

    // Who is in ERROR must be told what is waited for or retried, and where.
    private bool IsHonest(string? fault) => fault is not null && (fault.Contains(Source, StringComparison.Ordinal) || fault.Contains(Destination, StringComparison.Ordinal))
        && (fault.Contains("waits for", StringComparison.Ordinal) || fault.Contains("retried", StringComparison.Ordinal));
}
