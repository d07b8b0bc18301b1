using System.Globalization;
using NovaShim.System.Tests;

namespace NovaShim.Faults;

/// <summary>What goes wrong with XenAPI: sessions, connections, memory, and each call of a migration in each of the ways in which it can fail.</summary>
internal static class XenApiFaults
{
    // The calls that change something, by the step that makes them.
    private static readonly (string Verb, bool AtSource, string Call)[] Calls =
    [
        (Moment.Resize, true, "VM.add_to_other_config"),
        (Moment.Resize, true, "VDI.add_to_other_config"),
        (Moment.Resize, true, "VM.snapshot"),
        (Moment.Resize, true, "VM.add_to_blocked_operations"),
        (Moment.Resize, true, "VM.clean_shutdown"),
        (Moment.Resize, false, "SR.scan"),
        (Moment.Resize, false, "VDI.set_name_label"),
        (Moment.Resize, false, "VDI.add_to_other_config"),
        (Moment.Resize, false, "VDI.resize"),
        (Moment.Resize, false, "VM.create"),
        (Moment.Resize, false, "VBD.create"),
        (Moment.Resize, false, "VIF.create"),
        (Moment.Resize, false, "VM.start_on"),
        (Moment.Confirm, true, "VDI.destroy"),
        (Moment.Confirm, true, "VM.destroy"),
        (Moment.Revert, false, "VM.hard_shutdown"),
        (Moment.Revert, false, "VDI.destroy"),
        (Moment.Revert, false, "VM.destroy"),
        (Moment.Revert, true, "VM.remove_from_blocked_operations"),
        (Moment.Revert, true, "VM.start_on"),
        (Moment.Revert, true, "VM.destroy"),
        (Moment.Revert, true, "VM.remove_from_other_config"),
    ];

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("sessions expired", ExpireAsync),
        new("XenAPI refused 3 s", RefuseAsync),
        new("no memory at the destination", t => WithholdAsync(t, t.Destination)) { At = m => m is { Step: "finish_resize", Place: "due" } },
        new("no memory at the source", t => WithholdAsync(t, t.Source)) { At = m => m is { Step: "revert_resize", Place: "due" } },
        .. Calls.SelectMany(c => new[] { Fails(c), FailsForGood(c), AnswerLost(c), NeverEnds(c) }),
    ];

    private static async Task<string> ExpireAsync(Trial trial)
    {
        foreach (var host in Installation.Hosts)
        {
            await trial.All.FaultAsync(host, "expire-sessions");
        }

        return "expired";
    }

    private static async Task<string> RefuseAsync(Trial trial)
    {
        await trial.ReleaseAsync();
        foreach (var host in Installation.Hosts)
        {
            await trial.All.FaultAsync(host, "refuse", "3");
        }

        await Task.Delay(TimeSpan.FromSeconds(3));
        return "refused";
    }

    // Until everybody has drawn his conclusions: taken back where that is possible, and where it is not, ERROR with what is being retried.
    private static async Task<string> WithholdAsync(Trial trial, string host)
    {
        await trial.All.FaultAsync(host, "withhold-memory", (64L << 30).ToString(CultureInfo.InvariantCulture));
        await trial.ProceedAsync();
        return await ConclusionAsync(trial, "memory");
    }

    private static Fault Fails((string Verb, bool AtSource, string Call) c) => new($"fails: {c.Call} at the {Side(c)}", t => FailAsync(t, c, "fail", c.Call, "INTERNAL_ERROR", "as asked")) { At = m => IsBefore(m, c) };

    private static Fault AnswerLost((string Verb, bool AtSource, string Call) c) =>
        new($"answers nothing: {c.Call} at the {Side(c)}", t => FailAsync(t, c, "fail", "--after", c.Call, "INTERNAL_ERROR", "as asked")) { At = m => IsBefore(m, c) };

    private static Fault FailsForGood((string Verb, bool AtSource, string Call) c) => new($"fails for good: {c.Call} at the {Side(c)}", async t =>
    {
        await t.All.FaultAsync(t.NameOf(c.AtSource), "fail", "--times", "1000", c.Call, "INTERNAL_ERROR", "as asked");
        await t.ProceedAsync();
        return await ConclusionAsync(t, "as asked");
    })
    {
        // A guest that cannot be shut down is switched off.
        At = m => IsBefore(m, c) && c.Call != "VM.clean_shutdown",
    };

    private static Fault NeverEnds((string Verb, bool AtSource, string Call) c) => new($"never ends: {c.Call} at the {Side(c)}", async t =>
    {
        await t.All.FaultAsync(t.NameOf(c.AtSource), "hang", c.Call);
        await t.ProceedAsync();
        await StruckAsync(t, c);

        // It goes on, late, only when all is mended: whoever waited for it must have given it up before.
        await Task.Delay(TimeSpan.FromSeconds(Installation.PatienceSeconds + 3));
        return "hung";
    })
    {
        At = m => IsBefore(m, c),
    };

    private static async Task<string> FailAsync(Trial trial, (string Verb, bool AtSource, string Call) c, params string[] fault)
    {
        await trial.All.FaultAsync(trial.NameOf(c.AtSource), fault);
        await trial.ProceedAsync();
        await StruckAsync(trial, c);
        return "failed once";
    }

    private static Task StruckAsync(Trial trial, (string Verb, bool AtSource, string Call) c)
    {
        var waiting = "";
        return Eventually.Async(
            async () => !(waiting = await trial.HostOf(c.AtSource).FaultsAsync()).Contains($"\"{c.Call}\"", StringComparison.Ordinal), () => $"nobody has called {c.Call}: {waiting}", TimeSpan.FromMinutes(2));
    }

    private static async Task<string> ConclusionAsync(Trial trial, string reason)
    {
        var said = "";
        await Eventually.Async(
            async () =>
            {
                var server = await trial.All.Nova.ShowAsync(trial.Server);
                said = (server["status"]!.ToString() == "ERROR" ? server["fault"]?["message"]?.ToString() : (await trial.MigrationAsync()).Fault) ?? "";
                return said.Contains(reason, StringComparison.Ordinal);
            },
            () => $"no conclusion that speaks of '{reason}' but '{said}'",
            TimeSpan.FromMinutes(3));
        return said;
    }

    // The step that makes the call has not begun.
    private static bool IsBefore(Moment m, (string Verb, bool AtSource, string Call) c) =>
        m.Verb == c.Verb && m.Place == "due" && m.Step == (c.Verb, c.AtSource) switch
        {
            (Moment.Resize, true) => "prep_resize",
            (Moment.Resize, false) => "finish_resize",
            (Moment.Confirm, _) => "prep_confirm",
            _ => "revert_resize",
        };

    private static string Side((string Verb, bool AtSource, string Call) c) => $"{(c.AtSource ? "source" : "destination")} ({c.Verb})";
}
