using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Images;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Notifications;
using NovaShim.Compute.Scheduling;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Servers;

/// <summary>
/// Does the work on servers that is no migration: builds, restarts and destroys them, and has <see cref="ActionSteps"/> do the rest. As in migrations, the document says what is due, every step may run twice,
/// and the end of a step is a compare-and-set under its lease.
/// </summary>
internal sealed partial class InstanceRunner(
    FilterScheduler scheduler, ResourceTracker resources, ComputeApi api, IImageLibrary images, ActionSteps actionSteps, SnapshotSteps snapshots, WorkHints hints, InstanceActions actions, InstanceNotifications notifications,
    ComputeOptions options, TimeProvider time,
    ILogger<InstanceRunner> log)
{
    /// <summary>Takes the step that is due.</summary>
    /// <param name="work">The leased server.</param>
    /// <param name="host">The host that acts; null for the scheduler.</param>
    /// <param name="manager">Its compute manager; null for the scheduler.</param>
    public async Task RunAsync(LeasedWork<InstanceDocument> work, string? host, ComputeManager? manager)
    {
        var step = work.Item.Step;
        // A delete that waits for a migration to come to rest has not begun.
        var waits = work.Document.MigrationUuid is not null;
        var @event = host is null || waits ? null : InstanceEvents.Of(step);
        var began = time.GetUtcNow().UtcDateTime;
        LogStep(work.Document.Uuid, step, host ?? Actors.Scheduler, work.Item.Attempts + 1);
        await notifications.StartAsync(@event, work.Document, host ?? "", ContextOf(work));
        try
        {
            var taken = (step, manager) switch
            {
                (InstanceSteps.RunInstance or InstanceSteps.UnshelveInstance, null) => ChooseHostAsync(work),
                (InstanceSteps.RunInstance, _) => BuildAsync(work, host!, manager),
                (InstanceSteps.RebootInstance, not null) => RebootAsync(work, manager),
                (InstanceSteps.TerminateInstance, _) => TerminateAsync(work, host, manager),
                (_, not null) when ServerAction.Of(step) is { } action => actionSteps.RunAsync(work, action, host!, manager),
                _ => throw new StepFailedException($"{step} is no work for {host ?? "the scheduler"}.", StepRecovery.Unwind),
            };
            await taken;
        }
        catch (Exception e) when (e is LeaseLostException or DocumentStoreException)
        {
            throw;
        }
        catch (Exception e) when (e is not OperationCanceledException || !work.Lost.IsCancellationRequested)
        {
            LogFailed(work.Document.Uuid, step, host ?? Actors.Scheduler, work.Item.Attempts + 1, e);
            await actions.RecordAsync(work.Document.Uuid, ContextOf(work), EventName(step, host), host ?? "", began, MessageOf(e, step, host), CancellationToken.None);
            await notifications.ErrorAsync(@event, work.Document, host ?? "", ContextOf(work), MessageOf(e, step, host));
            await FailAsync(work, step, host, manager, e);
            return;
        }

        // The step is done: what goes wrong from here on is no failure of it.
        if (!waits)
        {
            await actions.RecordAsync(work.Document.Uuid, ContextOf(work), EventName(step, host), host ?? "", began, error: null, CancellationToken.None);
            await notifications.EndAsync(@event, work.Document, host ?? "", ContextOf(work));
        }
    }

    private async Task ChooseHostAsync(LeasedWork<InstanceDocument> work)
    {
        var i = work.Document;
        var node = await scheduler.SelectForBuildAsync(i, i.Work!.RefusedBy, work.Lost) ?? throw new StepFailedException(
            $"No valid host was found. No host{(i.WantedHost() is { } wanted ? " " + wanted : i.WantedZone() is { } zone ? " in zone " + zone : "")} is up, enabled and has room for flavor {i.Flavor.Name}{(i.Hints is null ? "" : ", and is what the scheduler hints ask for")}.", StepRecovery.Unwind);
        var chosen = await work.UpdateAsync(
            d => d with { Host = node.Host, Node = node.Stats.HypervisorHostname, TaskState = i.Work.Step == InstanceSteps.RunInstance ? TaskStates.Spawning : d.TaskState, Work = d.Work!.HandedTo(node.Host, time.GetUtcNow().UtcDateTime) }, work.Lost);
        await hints.InstanceDueAsync(chosen, work.Lost);
    }

    private async Task BuildAsync(LeasedWork<InstanceDocument> work, string host, ComputeManager manager)
    {
        var i = work.Document;
        await resources.ClaimAsync(host, i.Uuid, migrationUuid: null, i.Flavor, work.Lost);
        var image = await images.OpenAsync(i.ImageRef, work.Lost);
        await manager.RunInstanceAsync(new InstanceContext(work) { Image = image }, work.Lost);
        var info = await manager.GetInfoAsync(InstanceRecord.Of(i), work.Lost);
        await work.UpdateAsync(
            d => d with
            {
                VmState = VmStates.Active, TaskState = null, PowerState = info?.PowerState ?? PowerState.Running, Addresses = info?.Addresses ?? [], Progress = 100, ConfigDrive = d.ConfigDrive || manager.Driver.ForcesConfigDrive,
                LaunchedAt = time.GetUtcNow().UtcDateTime, Fault = null, Work = null,
            },
            CancellationToken.None);
    }

    private static async Task RebootAsync(LeasedWork<InstanceDocument> work, ComputeManager manager)
    {
        await manager.RebootInstanceAsync(new InstanceContext(work), work.Document.TaskState == TaskStates.RebootingHard, work.Lost);
        await work.UpdateAsync(d => d with { VmState = VmStates.Active, TaskState = null, PowerState = PowerState.Running, Fault = null, Work = null }, CancellationToken.None);
    }

    private async Task TerminateAsync(LeasedWork<InstanceDocument> work, string? host, ComputeManager? manager)
    {
        var i = work.Document;
        if (i.MigrationUuid is { } migrationUuid)
        {
            // A migration has the say over this server: it is asked to come to rest, and hands the work over when it does.
            await api.EndMigrationForDeleteAsync(migrationUuid, i.Work!.Context, work.Lost);
            await work.UpdateAsync(d => d with { Work = d.Work! with { Lease = null, DueAt = time.GetUtcNow().UtcDateTime.AddSeconds(options.PollSeconds) } }, work.Lost);
            return;
        }

        if (manager is null && i.Host is { } owner)
        {
            // Accepted while no host had it, or while a migration had the say.
            var handed = await work.UpdateAsync(d => d with { Work = d.Work!.HandedTo(owner, time.GetUtcNow().UtcDateTime) }, work.Lost);
            await hints.InstanceDueAsync(handed, work.Lost);
            return;
        }

        if (manager is not null)
        {
            await manager.TerminateInstanceAsync(new InstanceContext(work), work.Lost);
            await resources.ReleaseAsync(host!, i.Uuid, migrationUuid: null, work.Lost);
        }

        await snapshots.DropShelvedAsync(i, work.Lost);
        var now = time.GetUtcNow().UtcDateTime;
        await work.UpdateAsync(
            d => d with { VmState = VmStates.Deleted, TaskState = null, PowerState = PowerState.NoState, Deleted = true, DeletedAt = now, TerminatedAt = now, Work = null }, CancellationToken.None);
    }

    private async Task FailAsync(LeasedWork<InstanceDocument> work, string step, string? host, ComputeManager? manager, Exception e)
    {
        var message = MessageOf(e, step, host);
        var attempts = work.Item.Attempts + 1;
        var recovery = (e as StepFailedException)?.Recovery ?? StepRecovery.Retry;
        var spent = recovery == StepRecovery.Unwind || attempts >= options.MaxAttempts;

        var build = ActionSteps.IsBuild(work.Document);
        if (build && (recovery == StepRecovery.Reschedule || spent))
        {
            // Nothing of a failed build stays behind; where that fails too, the build is still due here and the next try finds what there is.
            await actionSteps.ClearAsync(work, host, manager);
        }

        if (build && host is not null && recovery == StepRecovery.Reschedule)
        {
            var refused = await work.UpdateAsync(d => d.RefusedBy(host!, time.GetUtcNow().UtcDateTime), CancellationToken.None);
            await hints.InstanceDueAsync(refused, CancellationToken.None);
        }
        else if (spent && ServerAction.Of(step) is not null)
        {
            await actionSteps.GiveUpAsync(work, manager, message);
        }
        else if (spent && step != InstanceSteps.TerminateInstance)
        {
            await work.UpdateAsync(d => d.Faulted(message, time.GetUtcNow().UtcDateTime) with { TaskState = null, Work = null }, CancellationToken.None);
        }
        else
        {
            // A delete is tried for as long as it takes; the user is told when it takes long.
            await work.UpdateAsync(
                d => (spent ? d.Faulted(message, time.GetUtcNow().UtcDateTime) : d) with
                {
                    Work = d.Work! with { Attempts = attempts, Error = message, Lease = null, DueAt = time.GetUtcNow().UtcDateTime + options.RetryDelay(attempts) },
                },
                CancellationToken.None);
        }
    }

    // The step that ends the work removes it from the document; its context is that of the request that began it.
    private static Messaging.RequestContext ContextOf(LeasedWork<InstanceDocument> work) => work.Began.Context;

    private static string EventName(string step, string? host) => host is null ? "schedule" : "compute_" + step;

    private static string MessageOf(Exception e, string step, string? host) => e is StepFailedException ? e.Message : $"{step} failed{(host is null ? "" : " on " + host)}: {e.Message}";

    [LoggerMessage(Level = LogLevel.Information, Message = "Server {Uuid}: {Step} on {Actor}, try {Attempt}")]
    private partial void LogStep(string uuid, string step, string actor, int attempt);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Server {Uuid}: {Step} failed on {Actor}, try {Attempt}")]
    private partial void LogFailed(string uuid, string step, string actor, int attempt, Exception e);
}
