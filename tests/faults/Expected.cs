using static NovaShim.Faults.Outcome;

namespace NovaShim.Faults;

/// <summary>
/// What is to come of a fault at a moment: the first rule that fits. A cell that no rule fits has failed.
/// </summary>
internal static class Expected
{
    /// <param name="Fault">How the fault's name begins; empty: any.</param>
    /// <param name="Moment">How the moment's name begins; empty: any.</param>
    /// <param name="End">Where it may end once all is mended.</param>
    /// <param name="Meanwhile">Where it must have come while a fault lasted that outlasts everybody's patience (<see cref="Trial.SettleAsync"/>).</param>
    internal sealed record Rule(string Fault, string Moment, Outcome End, Outcome Meanwhile = None);

    private static readonly IReadOnlyList<Rule> Rules =
    [
        // The source's process is away for so long that its host counts as silent. Before it has begun anything, the migration is taken back without it.
        .. OfBoth("source compute",
            new("", "schedule", TakenBack, TakenBack),
            new("", "prep_source, due", TakenBack, TakenBack),
            // It may have begun something: only itself can say so, and undo it.
            new("", "prep_source", TakenBack, Waiting),
            new("", "prep_resize", TakenBack, Waiting),
            new("", "resize_instance", TakenBack, Waiting),
            // All it had to do is done.
            new("", "finish_resize", Verify, Verify),
            // There is no way back: what is left is done when it is back.
            new("", "prep_confirm", Confirmed, Waiting),
            new("", "confirm_resize", Confirmed, Waiting),
            new("", "revert_resize", Reverted, Waiting),
            new("", "finish_revert_resize", Reverted, Waiting)),

        // The destination's process is away likewise. As long as its host cannot have started the VM, the server goes back to the source without it.
        .. OfBoth("destination compute",
            new("", "schedule", TakenBack, TakenBack),
            new("", "prep_source", TakenBack, TakenBack),
            new("", "prep_resize", TakenBack, TakenBack),
            // The copy needs the hosts, not the process; what comes after it does.
            new("", "resize_instance", Verify, Waiting),
            new("", "finish_resize", Verify, Waiting),
            // The word is not obeyed while nobody can say that the new VM is there: it may be given anew.
            new("", "prep_confirm", Verify, Verify),
            new("", "confirm_resize", Confirmed, Confirmed),
            new("", "revert_resize", Reverted, Waiting),
            new("", "finish_revert_resize", Reverted, Reverted)),

        // Another process for the same host does all that the frozen one had to do.
        .. GoesOn("source compute frozen, another takes over", meanwhile: true),
        .. GoesOn("destination compute frozen, another takes over", meanwhile: true),

        // Without the scheduler nothing begins; what has begun goes on.
        new("scheduler away", "schedule", Verify, Working),
        .. GoesOn("scheduler away", meanwhile: true),

        // Messages are hints: without any, work is found by looking.
        .. GoesOn("nats-server away", meanwhile: true),

        // What is mended within everybody's patience costs nothing but time.
        .. GoesOn("source compute killed"),
        .. GoesOn("destination compute killed"),
        .. GoesOn("scheduler killed"),
        .. GoesOn("API killed"),
        .. GoesOn("API away"),
        .. GoesOn("nats-server killed"),
        .. GoesOn("nats-server restarted"),
        .. GoesOn("document store"),
        .. GoesOn("messages lost"),
        .. GoesOn("answer"),
        .. HostRules,
    ];

    // The hosts, what is on them and between them, and their users.
    private static IEnumerable<Rule> HostRules =>
    [
        // A copy that must not go on is given up, and what must not be started is not: the server is where it was.
        new("network away", "", TakenBack),
        new("host key changed", "", TakenBack),
        new("destination disk full", "", TakenBack),
        .. GoesOn("source disk full for a moment"),
        new("source disk full", "", TakenBack),
        new("no memory at the destination", "", TakenBack),
        .. GoesOn("no memory at the source"),

        // Before the user has decided it is taken back; afterwards it is done once it can be.
        new("fails for good: ", "prep_resize", TakenBack),
        new("fails for good: ", "finish_resize", TakenBack),
        .. GoesOn("fails for good: "),
        .. GoesOn("fails: "),
        .. GoesOn("answers nothing: "),
        .. GoesOn("never ends: "),
        .. GoesOn("sessions expired"),
        .. GoesOn("XenAPI refused"),

        .. GoesOn("rsync killed"),
        .. GoesOn("sshd of the"),
        .. GoesOn("network cut"),
        .. GoesOn("bits flipped on the wire"),
        .. GoesOn("bit flipped in a"),
        .. GoesOn("chain merged"),

        .. GoesOn("source VM started by hand"),
        .. GoesOn("snapshot deleted by hand"),
        new("destination VM deleted by hand", "revert_resize", Reverted),
        new("destination VM deleted by hand", "await_verification", Reverted),

        new("server deleted", "", Deleted),
        .. GoesOn("everything asked for again"),
        new("confirmed and reverted at once", "await_verification", Confirmed | Reverted),
        new("confirmed four times at once", "await_verification", Confirmed),
        new("reverted four times at once", "await_verification", Reverted),
        new("reverted as the confirm window ends", "await_verification", Confirmed | Reverted),
        new("resized four times at once", "schedule", Verify),
    ];

    /// <summary>The rule for a cell.</summary>
    public static Rule Of(Moment moment, Fault fault) =>
        Rules.FirstOrDefault(r => fault.Name.StartsWith(r.Fault, StringComparison.Ordinal) && moment.ToString().StartsWith(r.Moment, StringComparison.Ordinal))
        ?? throw new InvalidOperationException($"nothing is expected of '{fault.Name}' at '{moment}'");

    // It arrives where the user wanted it; before the destination has started the VM, it may also be given up where that is said.
    private static IEnumerable<Rule> GoesOn(string fault, bool meanwhile = false, Outcome or = None)
    {
        Rule To(string moment, Outcome end) => new(fault, moment, end, meanwhile ? end : None);
        return
        [
            To("schedule", Verify | or), To("prep_source", Verify | or), To("prep_resize", Verify | or), To("resize_instance", Verify | or), To("finish_resize", Verify | or),
            To("prep_confirm", Confirmed), To("confirm_resize", Confirmed), To("revert_resize", Reverted), To("finish_revert_resize", Reverted),
        ];
    }

    // Killed and not started again, or standing still: to the others it is the same.
    private static IEnumerable<Rule> OfBoth(string who, params IReadOnlyList<Rule> rules) =>
        rules.SelectMany(r => new[] { r with { Fault = $"{who} away" }, r with { Fault = $"{who} frozen until silent" } });
}
