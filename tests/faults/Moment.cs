using NovaShim.System.Tests;

namespace NovaShim.Faults;

/// <summary>Where in a migration a fault strikes.</summary>
/// <param name="Step">The step, in the migration's own words.</param>
/// <param name="Place">Where within the step.</param>
/// <param name="Verb">What the user asks for when the moment is awaited: <c>resize</c>, <c>confirmResize</c> or <c>revertResize</c>.</param>
/// <param name="Arm">Prepares the installation so that the migration comes to rest there.</param>
/// <param name="Reach">Waits until it has.</param>
internal sealed record Moment(string Step, string Place, string Verb, Func<Trial, Task> Arm, Func<Trial, Task> Reach)
{
    public const string Resize = "resize";
    public const string Confirm = "confirmResize";
    public const string Revert = "revertResize";

    /// <summary>
    /// All moments, in the order in which a migration comes by. None needs a hook in the program: a step that is due is held by freezing who must take it; one that has begun by a XenAPI call that does
    /// not end, or by a slow network; one that has done all it does to the hosts by a document store that is slow to take what comes of it. All of it happens to real installations.
    /// </summary>
    public static IReadOnlyList<Moment> All { get; } =
    [
        Due("schedule", Resize, _ => Installation.Scheduler),
        Done("schedule", Resize, "prep_source", _ => Installation.Scheduler),
        Due("prep_source", Resize, t => t.SourceCompute),
        Done("prep_source", Resize, "prep_resize", t => t.SourceCompute),
        Due("prep_resize", Resize, t => t.DestinationCompute),
        Done("prep_resize", Resize, "resize_instance", t => t.DestinationCompute),
        Held("resize_instance", "at the snapshot", Resize, "VM.snapshot", atSource: true),
        new("resize_instance", "mid base copy", Resize, SlowAsync, t => t.UntilAsync(m => m.Step == "resize_instance" && m.BytesDone > 0)) { Copies = true },
        Held("resize_instance", "at the stop", Resize, "VM.clean_shutdown", atSource: true),
        new("resize_instance", "mid delta", Resize, t => t.All.FaultAsync(t.Source, "hang", "VM.clean_shutdown"), StopOnSlowNetworkAsync) { Copies = true },
        Done("resize_instance", Resize, "finish_resize", t => t.SourceCompute),
        new("finish_resize", "due", Resize, t => t.All.FaultAsync(t.Source, "hang", "VM.clean_shutdown"), FreezeDestinationAsync),
        Held("finish_resize", "at the scan, moved", Resize, "SR.scan", atSource: false),
        Held("finish_resize", "at the start", Resize, "VM.start_on", atSource: false),
        Done("finish_resize", Resize, "verify_resize", t => t.DestinationCompute),
        new("await_verification", "reached", Resize, _ => Task.CompletedTask, t => t.UntilStepAsync("await_verification")) { IsAtRest = true },
        Due("prep_confirm", Confirm, t => t.DestinationCompute),
        Due("confirm_resize", Confirm, t => t.SourceCompute),
        Held("confirm_resize", "at a disk's end", Confirm, "VDI.destroy", atSource: true),
        Held("confirm_resize", "at the VM's end", Confirm, "VM.destroy", atSource: true),
        Done("confirm_resize", Confirm, "confirmed", t => t.SourceCompute),
        Due("revert_resize", Revert, t => t.DestinationCompute),
        Held("revert_resize", "at the stop", Revert, "VM.hard_shutdown", atSource: false),
        Held("revert_resize", "at a disk's end", Revert, "VDI.destroy", atSource: false),
        Done("revert_resize", Revert, "finish_revert_resize", t => t.DestinationCompute),
        Due("finish_revert_resize", Revert, t => t.SourceCompute),
        Held("finish_revert_resize", "at the start", Revert, "VM.start_on", atSource: true),
        Held("finish_revert_resize", "at a snapshot's end", Revert, "VDI.destroy", atSource: true),
        Done("finish_revert_resize", Revert, "reverted", t => t.SourceCompute),
    ];

    /// <summary>Whether an rsync runs at this moment.</summary>
    public bool Copies { get; init; }

    /// <summary>Whether the migration waits for its user here: what is done about it then is the fault's own.</summary>
    public bool IsAtRest { get; init; }

    public override string ToString() => $"{Step}, {Place}";

    private static Moment Due(string step, string verb, Func<Trial, string> actor) =>
        new(step, "due", verb, t => t.All.FreezeAsync(actor(t), Holder.Moment), t => t.UntilStepAsync(step));

    // Everything is done, and what comes of it is on its way to the store.
    private static Moment Done(string step, string verb, string next, Func<Trial, string> doer) => new(
        step, "done, not stored", verb,
        t =>
        {
            t.Writer = doer(t);
            t.All.StoreRelay.Hold(message => Wire.StoreRelay.StoresStep(message, next));
            return Task.CompletedTask;
        },
        async t =>
        {
            await t.UntilStepAsync(step);
            await Eventually.Async(() => t.All.StoreRelay.HeldCount > 0, () => $"nobody stores {next}", TimeSpan.FromMinutes(5));
        });

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
        await trial.All.FreezeAsync(trial.DestinationCompute, Holder.Moment);
        await trial.All.FaultAsync(trial.Source, "clear");
        await trial.UntilStepAsync("finish_resize");
    }
}
