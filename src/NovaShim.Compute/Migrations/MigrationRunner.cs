using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Notifications;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Migrations;

/// <summary>
/// Takes the steps of <see cref="ResizeMigration"/> that are due with one actor. For each: show the step on the server, do it, and store the transition — a compare-and-set under the
/// lease. Dying between any two of these repeats the step, which is why every step may run twice.
/// </summary>
internal sealed partial class MigrationRunner(
    ResizeMigration migration, MigrationPlan plan, IDocumentStore store, WorkHints hints, HostQuestions questions, InstanceActions actions, InstanceNotifications notifications, ComputeOptions options,
    TimeProvider time, ILogger<MigrationRunner> log)
{
    private readonly IDocumentCollection<MigrationDocument> _migrations = store.Collection<MigrationDocument>();
    private readonly IDocumentCollection<InstanceDocument> _instances = store.Collection<InstanceDocument>();

    /// <summary>Whether a migration's running step is to stop because the whole migration is no longer wanted.</summary>
    public bool StopWanted(MigrationDocument m) => m.Saga.AbortReason is not null && migration.Steps[m.Saga.Step].Unwind is not null;

    /// <summary>Takes the due step, and those after it for as long as the actor stays the same.</summary>
    /// <param name="work">The leased migration.</param>
    /// <param name="host">The host that acts; null for the scheduler.</param>
    /// <param name="manager">Its compute manager; null for the scheduler.</param>
    public async Task RunAsync(LeasedWork<MigrationDocument> work, string? host, ComputeManager? manager)
    {
        var actor = host ?? Actors.Scheduler;
        do
        {
            await TakeStepAsync(work, host, manager);
        }
        while (work.Item.Actor == actor && work.Item.Lease is not null && work.Item.DueAt <= time.GetUtcNow().UtcDateTime);

        if (work.Item.Actor is { } next && next != actor)
        {
            await hints.MigrationDueAsync(work.Document, work.Lost);
        }
    }

    private async Task TakeStepAsync(LeasedWork<MigrationDocument> work, string? host, ComputeManager? manager)
    {
        var m = work.Document;
        var step = migration.Steps[m.Saga.Step];
        var server = await _instances.GetAsync(m.InstanceUuid, work.Lost);
        if (step.Name == ResizeMigration.Schedule && server?.MigrationUuid != m.Uuid)
        {
            // Accepted by an API that died before it had put the server under this migration: nobody was told that it was accepted.
            await _migrations.DeleteAsync(m, work.Lost);
            throw new LeaseLostException("The request was never accepted.");
        }

        var began = time.GetUtcNow().UtcDateTime;
        MigrationContext? context = null;
        try
        {
            if (StopWanted(m))
            {
                throw new StepFailedException(m.Saga.AbortReason!, StepRecovery.Unwind);
            }

            await plan.ShowAsync(m, work.VerifyAsync, work.Lost);
            Func<MigrationDocument, MigrationDocument> change = unchanged => unchanged;
            if (step.Do is { } @do)
            {
                LogStep(m.Uuid, step.Name, host ?? Actors.Scheduler, m.Saga.Attempts + 1);
                await notifications.StartAsync(InstanceEvents.Of(m, step.Name), server!, host ?? "", m.Saga.Context);
                context = host is null ? null : new MigrationContext(work, InstanceRecord.Of(server!), _instances, questions, options, time);
                try
                {
                    change = await @do(new MigrationWork(m, context, manager, host), work.Lost);
                }
                finally
                {
                    await (context?.DisposeAsync() ?? ValueTask.CompletedTask);
                }

                if (m.Saga.Waiting is not null)
                {
                    await actions.NoteAsync(m.InstanceUuid, m.Saga.Context, note: null, CancellationToken.None);
                }

                await actions.RecordAsync(m.InstanceUuid, m.Saga.Context, EventName(step), host ?? "", began, error: null, CancellationToken.None);
                await notifications.EndAsync(InstanceEvents.Of(m, step.Name), server!, host ?? "", m.Saga.Context);
            }

            await AdvanceAsync(work, step, doc => WithProgress(change(doc), context));
        }
        catch (LeaseLostException)
        {
            throw;
        }
        catch (OperationCanceledException) when (work.Lost.IsCancellationRequested)
        {
            // Either the lease is another's (then this throws), or the migration is no longer wanted, or this process stops.
            await work.VerifyAsync(CancellationToken.None);
            if (StopWanted(work.Document))
            {
                await FailAsync(work, step, new StepFailedException(work.Document.Saga.AbortReason!, StepRecovery.Unwind), context, host, began);
                return;
            }

            await work.UpdateAsync(doc => WithProgress(doc, context), CancellationToken.None);
            throw;
        }
        catch (DocumentStoreException)
        {
            // Not a failure of the step: it is taken again when the store is back.
            throw;
        }
        catch (StepWaitsException waits)
        {
            var due = time.GetUtcNow().UtcDateTime + waits.Delay;
            await work.UpdateAsync(doc => doc with { Saga = doc.Saga with { Waiting = waits.Message, DueAt = due, Lease = null } }, CancellationToken.None);
            await actions.NoteAsync(m.InstanceUuid, m.Saga.Context, waits.Message, CancellationToken.None);
        }
        catch (Exception e)
        {
            await FailAsync(work, step, e, context, host, began);
        }
    }

    private async Task AdvanceAsync(LeasedWork<MigrationDocument> work, MigrationStep step, Func<MigrationDocument, MigrationDocument> change)
    {
        await work.UpdateAsync(doc => plan.GoTo(change(doc), step.Next), CancellationToken.None);
        LogReached(work.Document.Uuid, work.Item.Step, work.Item.Actor ?? "nobody", work.Document.Status);
    }

    private async Task FailAsync(LeasedWork<MigrationDocument> work, MigrationStep step, Exception e, MigrationContext? context, string? host, DateTime began)
    {
        var message = e is StepFailedException ? e.Message : $"{step.Name} failed{(host is null ? "" : " on " + host)}: {e.Message}";
        var recovery = (e as StepFailedException)?.Recovery ?? StepRecovery.Retry;
        var attempts = work.Item.Attempts + 1;
        LogFailed(work.Document.Uuid, step.Name, host ?? Actors.Scheduler, attempts, e);
        await actions.RecordAsync(work.Document.InstanceUuid, work.Item.Context, EventName(step), host ?? "", began, message, CancellationToken.None);
        if (await _instances.GetAsync(work.Document.InstanceUuid, CancellationToken.None) is { } server)
        {
            await notifications.ErrorAsync(InstanceEvents.Of(work.Document, step.Name), server, host ?? "", work.Item.Context, message);
        }

        if (recovery == StepRecovery.Reschedule && step.Name == ResizeMigration.PrepResize)
        {
            await work.UpdateAsync(
                doc => plan.GoTo(
                    doc with { Saga = doc.Saga with { DestinationOffer = null, RefusedBy = [.. doc.Saga.RefusedBy, doc.DestCompute!], Unwinding = [ResizeMigration.Schedule] } }, ResizeMigration.RevertResize),
                CancellationToken.None);
        }
        else if (recovery == StepRecovery.CopyAgain && step.Unwind is not null && work.Document.Saga.CopiedAgain < options.MaxAttempts)
        {
            await work.UpdateAsync(
                doc => plan.GoTo(WithProgress(doc with { Saga = doc.Saga with { CopiedAgain = doc.Saga.CopiedAgain + 1 } }, context), ResizeMigration.PrepSource), CancellationToken.None);
        }
        else if (step.Unwind is not null && (recovery != StepRecovery.Retry || attempts >= options.MaxAttempts))
        {
            await work.UpdateAsync(doc => plan.Unwind(WithProgress(doc, context), message)!, CancellationToken.None);
        }
        else if (step.Otherwise is not null && (recovery != StepRecovery.Retry || attempts >= options.MaxAttempts))
        {
            await work.UpdateAsync(doc => plan.RestAgain(doc, message)!, CancellationToken.None);
        }
        else
        {
            var due = time.GetUtcNow().UtcDateTime + options.RetryDelay(attempts);
            await work.UpdateAsync(
                doc => WithProgress(doc with { Saga = doc.Saga with { Attempts = attempts, Error = message, DueAt = due, Lease = null } }, context), CancellationToken.None);
            if (step.Unwind is null && attempts >= options.MaxAttempts)
            {
                await plan.ShowStuckAsync(work.Document, $"{step.Name} on {host} is being retried: {message}", $"migration {work.Document.Uuid}, next try {due:u}", CancellationToken.None);
            }
        }
    }

    private static MigrationDocument WithProgress(MigrationDocument m, MigrationContext? context) =>
        context is null ? m : m with { Saga = m.Saga with { Progress = context.Progress with { Percent = Math.Max(context.Progress.Percent, m.Saga.Progress.Percent) } } };

    private static string EventName(MigrationStep step) => step.Actor == StepActor.Scheduler ? step.Name : "compute_" + step.Name;

    [LoggerMessage(Level = LogLevel.Information, Message = "Migration {Uuid}: {Step} on {Actor}, try {Attempt}")]
    private partial void LogStep(string uuid, string step, string actor, int attempt);

    [LoggerMessage(Level = LogLevel.Information, Message = "Migration {Uuid}: next is {Step} by {Actor}, status {Status}")]
    private partial void LogReached(string uuid, string step, string actor, string status);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Migration {Uuid}: {Step} failed on {Actor}, try {Attempt}")]
    private partial void LogFailed(string uuid, string step, string actor, int attempt, Exception e);
}
