using System.Text.Json.Nodes;

namespace NovaShim.Faults;

/// <summary>What somebody does by hand, past the control plane, through XenAPI.</summary>
internal static class OperatorFaults
{
    public static IReadOnlyList<Fault> All { get; } =
    [
        new("source VM started by hand", StartAsync) { At = m => m is { Step: "resize_instance", Place: "mid delta" } or { Step: "finish_resize", Place: "due" or "at the scan, moved" } },
        new("source VM started by hand, refused", RefusedAsync) { At = m => m is { Step: "finish_resize" } or { Step: "revert_resize", Place: "at the stop" } or { Verb: Moment.Confirm, Place: "due" } },
        new("snapshot deleted by hand", DeleteSnapshotAsync) { At = m => m is { Verb: Moment.Resize, Place: "at the stop" or "mid delta" } or { Step: "finish_resize" or "revert_resize" or "prep_confirm", Place: "due" } },
        new("destination VM deleted by hand", DeleteVmAsync) { At = m => m is { Step: "revert_resize", Place: "due" } },
        new("destination VM deleted by hand, then confirmed", DeleteAndConfirmAsync) { At = m => m.IsAtRest },
    ];

    // Whoever takes the block away means it; what he starts is stopped again, and what its guest writes meanwhile is taken along.
    private static async Task<string> StartAsync(Trial trial)
    {
        var host = trial.HostOf(source: true);
        var vm = await host.FindAsync(trial.Server);
        await host.CallAsync("VM.set_blocked_operations", vm, new JsonObject());
        await host.CallAsync("VM.start", vm, false, false);
        return "it runs";
    }

    private static async Task<string> RefusedAsync(Trial trial)
    {
        var host = trial.HostOf(source: true);
        var vm = await host.FindAsync(trial.Server);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => host.CallAsync("VM.start", vm, false, false));
        Assert.Contains("OPERATION_BLOCKED", refused.Message, StringComparison.Ordinal);
        return "OPERATION_BLOCKED";
    }

    private static async Task<string> DeleteSnapshotAsync(Trial trial)
    {
        var host = trial.HostOf(source: true);
        var snapshots = await host.SnapshotsAsync(await host.FindAsync(trial.Server));
        Assert.NotEmpty(snapshots);
        foreach (var (snapshot, record) in snapshots)
        {
            await host.DestroyAsync(snapshot, record);
        }

        return $"{snapshots.Count} deleted";
    }

    private static async Task<string> DeleteVmAsync(Trial trial)
    {
        var host = trial.HostOf(source: false);
        var vm = await host.FindAsync(trial.Server);
        await host.CallAsync("VM.hard_shutdown", vm);
        await host.CallAsync("VM.destroy", vm);
        return "deleted, its disks are left";
    }

    private static async Task<string> DeleteAndConfirmAsync(Trial trial)
    {
        await trial.EndAsync(Outcome.Verify);
        await DeleteVmAsync(trial);
        Assert.Equal(204, await trial.TryAsync("""{"confirmResize": null}"""));
        MigrationSeen? seen = null;
        await trial.UntilAsync(m => (seen = m) is { Step: "await_verification", Fault: not null });
        await trial.EndAsync(Outcome.Verify);
        Assert.Equal(202, await trial.TryAsync("""{"revertResize": null}"""));
        return seen!.Fault!;
    }
}
