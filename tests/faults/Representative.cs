namespace NovaShim.Faults;

/// <summary>The few cells that the suite runs: every step, and every kind of fault at least once.</summary>
internal static class Representative
{
    private static readonly (string Moment, string Fault)[] Cells =
    [
        ("schedule, due", "API killed"),
        ("prep_source, done, not stored", "source compute killed"),
        ("prep_resize, due", "destination compute away"),
        ("resize_instance, mid base copy", "network cut 3 s"),
        ("resize_instance, mid base copy", "rsync killed at the destination"),
        ("resize_instance, mid base copy", "destination disk full"),
        ("resize_instance, mid base copy", "chain merged"),
        ("resize_instance, at the stop", "scheduler killed"),
        ("resize_instance, mid delta", "document store away for a while"),
        ("resize_instance, done, not stored", "answer to the next write of the migration lost"),
        ("finish_resize, due", "nats-server away"),
        ("finish_resize, due", "bit flipped in a base copy that arrived"),
        ("finish_resize, due", "source VM started by hand"),
        ("finish_resize, at the start", "destination compute frozen, another takes over"),
        ("await_verification, reached", "confirmed and reverted at once"),
        ("await_verification, reached", "destination VM deleted by hand, then confirmed"),
        ("prep_confirm, due", "document store killed"),
        ("confirm_resize, at a disk's end", "source compute frozen until silent"),
        ("revert_resize, due", "no memory at the source"),
        ("revert_resize, due", "server deleted"),
        ("revert_resize, at the stop", "messages lost, repeated, late and out of order"),
        ("finish_revert_resize, at the start", "source compute killed"),
        ("finish_revert_resize, done, not stored", "answers to every third write lost"),
    ];

    /// <summary>Picks them; throws where one of them is none.</summary>
    public static IReadOnlyList<(Moment Moment, Fault Fault)> Of(IReadOnlyList<(Moment Moment, Fault Fault)> all) =>
        [.. Cells.Select(c => all.Single(x => x.Moment.ToString() == c.Moment && x.Fault.Name == c.Fault))];
}
