namespace NovaShim.Faults;

/// <summary>Where in a migration a fault strikes.</summary>
/// <param name="Step">The step, in the migration's own words.</param>
/// <param name="Place">Where within the step.</param>
/// <param name="Verb">What the user asks for when the moment is awaited: <c>resize</c>, <c>confirmResize</c> or <c>revertResize</c>.</param>
/// <param name="Arm">Prepares the installation so that the migration comes to rest there.</param>
/// <param name="Reach">Waits until it has.</param>
internal sealed record Moment(string Step, string Place, string Verb, Func<Trial, Task> Arm, Func<Trial, Task> Reach)
{
    /// <summary>
    /// All moments, in the order in which a migration comes by. None needs a hook in the program: a step that is due is held by freezing who must take it, one that has begun by a
    /// XenAPI call that does not end or by a slow network, all of which happens to real installations.
    /// </summary>
    public static IReadOnlyList<Moment> All { get; } =
    [
        new("schedule", "due", Resize, t => t.All.FreezeAsync(Installation.Scheduler), t => t.UntilStepAsync("schedule")),
        new("prep_source", "due", Resize, t => t.All.FreezeAsync(t.SourceCompute), t => t.UntilStepAsync("prep_source")),
        new("prep_resize", "due", Resize, t => t.All.FreezeAsync(t.DestinationCompute), t => t.UntilStepAsync("prep_resize")),
        Held("resize_instance", "at the snapshot", Resize, "VM.snapshot", atSource: true),
        new("resize_instance", "mid base copy", Resize, SlowAsync, t => t.UntilAsync(m => m.Step == "resize_instance" && m.BytesDone > 0)),
        Held("resize_instance", "at the stop", Resize, "VM.clean_shutdown", atSource: true),
        new("resize_instance", "mid delta", Resize, t => t.All.FaultAsync(t.Source, "hang", "VM.clean_shutdown"), StopOnSlowNetworkAsync),
        new("finish_resize", "due", Resize, t => t.All.FaultAsync(t.Source, "hang", "VM.clean_shutdown"), FreezeDestinationAsync),
        Held("finish_resize", "at the scan, moved", Resize, "SR.scan", atSource: false),
        Held("finish_resize", "at the start", Resize, "VM.start_on", atSource: false),
        Held("confirm_resize", "at a disk's end", Confirm, "VDI.destroy", atSource: true),
        Held("revert_resize", "at the stop", Revert, "VM.hard_shutdown", atSource: false),
        Held("finish_revert_resize", "at the start", Revert, "VM.start_on", atSource: true),
    ];

    public const string Resize = "resize";
    public const string Confirm = "confirmResize";
    public const string Revert = "revertResize";

    public override string ToString() => $"{Step}, {Place}";

    private static Moment Held(string step, string place, string verb, string call, bool atSource) => new(
        step, place, verb,
        t => t.All.FaultAsync(atSource ? t.Source : t.Destination, "hang", call),
        async t =>
        {
            await t.UntilStepAsync(step);
            await t.HostOf(atSource).UntilHeldAsync(call);
        });

    private static async Task SlowAsync(Trial trial)
    {
        foreach (var host in Installation.Hosts)
        {
            await trial.All.NetworkAsync(host, "slow", Installation.NetworkRate);
        }
    }

    private static async Task StopOnSlowNetworkAsync(Trial trial)
    {
        await trial.HostOf(source: true).UntilHeldAsync("VM.clean_shutdown");
        await trial.All.NetworkAsync(trial.Destination, "slow", "60000");
        var before = (await trial.MigrationAsync()).BytesDone;
        await trial.All.FaultAsync(trial.Source, "clear");
        await trial.UntilAsync(m => m.Step == "resize_instance" && m.BytesDone > before);
    }

    private static async Task FreezeDestinationAsync(Trial trial)
    {
        await trial.HostOf(source: true).UntilHeldAsync("VM.clean_shutdown");
        await trial.All.FreezeAsync(trial.DestinationCompute);
        await trial.All.FaultAsync(trial.Source, "clear");
        await trial.UntilStepAsync("finish_resize");
    }
}
