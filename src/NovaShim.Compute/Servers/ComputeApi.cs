using NovaShim.Compute.Documents;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Servers;

/// <summary>
/// The verbs behind the API (Nova's <c>compute.API</c>). Each checks the server's state, writes what is to be done into a document, shows it on the server and sends a hint; the actors do the rest.
/// When a verb returns, the server's new state can be read by anyone.
/// </summary>
public sealed class ComputeApi
{
    private readonly IDocumentStore _store;
    private readonly IDocumentCollection<InstanceDocument> _instances;
    private readonly IDocumentCollection<MigrationDocument> _migrations;
    private readonly WorkHints _hints;
    private readonly InstanceActions _actions;
    private readonly ComputeOptions _options;
    private readonly ProcessIdentity _process;
    private readonly TimeProvider _time;
    private readonly MigrationPlan _plan;

    internal ComputeApi(
        IDocumentStore store, MigrationPlan plan, WorkHints hints, InstanceActions actions, ComputeOptions options, ProcessIdentity process, TimeProvider time)
    {
        (_store, _plan, _hints, _actions, _options, _process, _time) = (store, plan, hints, actions, options, process, time);
        _instances = store.Collection<InstanceDocument>();
        _migrations = store.Collection<MigrationDocument>();
    }

    private DateTime Now => _time.GetUtcNow().UtcDateTime;

    /// <summary>Accepts servers to be built: they exist, in state <c>building</c>, when this returns.</summary>
    public Task<IReadOnlyList<InstanceDocument>> CreateAsync(CreateServer server, int count, RequestContext context, CancellationToken cancellation) =>
        CreateAsync(server, [.. Enumerable.Range(0, count).Select(_ => Guid.NewGuid().ToString())], context, cancellation);

    /// <summary>The same, for the UUIDs that the servers are to have: those of a quota's promise.</summary>
    public async Task<IReadOnlyList<InstanceDocument>> CreateAsync(CreateServer server, IReadOnlyList<string> uuids, RequestContext context, CancellationToken cancellation)
    {
        var reservation = "r-" + Guid.NewGuid().ToString("N")[..8];
        var created = new List<InstanceDocument>(uuids.Count);
        foreach (var uuid in uuids)
        {
            var instance = await _instances.InsertAsync(
                new InstanceDocument
                {
                    Key = uuid, Uuid = uuid, Id = await _store.NextIdAsync<InstanceDocument>(cancellation),
                    DisplayName = server.Name, ProjectId = context.ProjectId, UserId = context.UserId, ImageRef = server.ImageRef, Flavor = server.Flavor,
                    Metadata = server.Metadata, KeyName = server.KeyName, KeyData = server.KeyData, UserData = server.UserData, ConfigDrive = server.ConfigDrive, LaunchIndex = created.Count,
                    WithoutNetwork = server.WithoutNetwork, AvailabilityZone = server.AvailabilityZone, Hints = server.Hints, SecurityGroups = server.SecurityGroups, DiskConfig = server.DiskConfig, AccessIpV4 = server.AccessIpV4, AccessIpV6 = server.AccessIpV6,
                    ReservationId = reservation, VmState = VmStates.Building, TaskState = TaskStates.Scheduling,
                    Work = new InstanceWork { Step = InstanceSteps.RunInstance, Actor = Actors.Scheduler, DueAt = Now, Context = context, Guest = server.Guest },
                },
                cancellation);
            await _actions.StartAsync(uuid, "create", context, cancellation);
            await _hints.InstanceDueAsync(instance, cancellation);
            created.Add(instance);
        }

        return created;
    }

    /// <summary>Accepts a server's deletion, in whatever state it is. Asked for twice, it is deleted once.</summary>
    public async Task DeleteAsync(InstanceDocument instance, RequestContext context, CancellationToken cancellation)
    {
        // A migration is asked to come to rest first, for which no host is needed; it hands the work over to where the server then is.
        var deleting = await _instances.UpdateAsync(
            instance.Key,
            i => i.Deleted || i.TaskState == TaskStates.Deleting
                ? null
                : i with
                {
                    TaskState = TaskStates.Deleting,
                    Work = new InstanceWork { Step = InstanceSteps.TerminateInstance, Actor = i.MigrationUuid is null && i.Host is { } host ? host : Actors.Scheduler, DueAt = Now, Context = context },
                },
            cancellation);
        if (deleting is not null)
        {
            await _actions.StartAsync(instance.Uuid, "delete", context, cancellation);
            await _hints.InstanceDueAsync(deleting, cancellation);
        }
    }

    /// <summary>
    /// Accepts a restart. Throws <see cref="InstanceInvalidStateException"/> unless the server is active and idle; a hard one also brings a server up that is shut down, paused or suspended, and out of error.
    /// </summary>
    public async Task RebootAsync(InstanceDocument instance, bool hard, RequestContext context, CancellationToken cancellation)
    {
        var accepted = await AcceptAsync(
            instance, "reboot",
            i => i.VmState == VmStates.Active || hard && i is { VmState: VmStates.Stopped or VmStates.Paused or VmStates.Suspended or VmStates.Error, Host: not null, MigrationUuid: null },
            i => i with
            {
                TaskState = hard ? TaskStates.RebootingHard : TaskStates.Rebooting,
                Work = new InstanceWork { Step = InstanceSteps.RebootInstance, Actor = i.Host, DueAt = Now, Context = context },
            },
            cancellation);
        await _actions.StartAsync(instance.Uuid, "reboot", context, cancellation);
        await _hints.InstanceDueAsync(accepted, cancellation);
    }

    /// <summary>
    /// Accepts an action. Throws <see cref="InstanceInvalidStateException"/> unless the server is idle and in one of the states the action is taken in. What the action needs beside the server is in <paramref name="args"/>
    /// and, for the guest, in <paramref name="guest"/>; <paramref name="also"/> changes the server in the same write.
    /// </summary>
    internal async Task<InstanceDocument> ActAsync(
        InstanceDocument instance, ServerAction action, RequestContext context, IReadOnlyDictionary<string, string> args, GuestRequest? guest, Func<InstanceDocument, InstanceDocument> also,
        CancellationToken cancellation)
    {
        var accepted = await AcceptAsync(
            instance, action.Verb, i => IsTaken(action, i),
            i => also(i) with
            {
                TaskState = action.TaskState,
                Work = new InstanceWork { Step = action.Step, Actor = i.Host ?? Actors.Scheduler, DueAt = Now, Context = context, Args = args, Guest = guest, PreviousVmState = i.VmState },
            },
            cancellation);
        await _actions.StartAsync(instance.Uuid, action.Verb, context, CancellationToken.None);
        await _hints.InstanceDueAsync(accepted, CancellationToken.None);
        return accepted;
    }

    /// <summary>Accepts an action that needs nothing beside the server: stop, pause, suspend and so on.</summary>
    public Task ActAsync(InstanceDocument instance, ServerAction action, RequestContext context, CancellationToken cancellation) =>
        ActAsync(instance, action, context, new Dictionary<string, string>(), guest: null, i => i, cancellation);

    /// <summary>Accepts a rescue. Throws <see cref="InstanceInvalidStateException"/> unless the server is idle, and active, shut down or in error.</summary>
    /// <param name="instance">The server.</param>
    /// <param name="adminPass">The password to set in the rescue VM.</param>
    /// <param name="imageRef">The image to rescue with; null: the server's own.</param>
    /// <param name="context">Who asks.</param>
    /// <param name="cancellation">Cancels.</param>
    public Task RescueAsync(InstanceDocument instance, string adminPass, string? imageRef, RequestContext context, CancellationToken cancellation)
    {
        var args = new Dictionary<string, string>();
        if (imageRef is not null)
        {
            args[InstanceArgs.RescueImageRef] = imageRef;
        }

        return ActAsync(instance, ServerAction.Rescue, context, args, new GuestRequest { AdminPassword = adminPass }, i => i, cancellation);
    }

    /// <summary>Accepts a rebuild. Throws <see cref="InstanceInvalidStateException"/> unless the server is idle, and active, shut down or in error.</summary>
    /// <returns>The server, as it is to be.</returns>
    public Task<InstanceDocument> RebuildAsync(InstanceDocument instance, RebuildServer rebuild, RequestContext context, CancellationToken cancellation) =>
        ActAsync(
            instance, ServerAction.Rebuild, context, new Dictionary<string, string>(), rebuild.Guest,
            i => i with
            {
                ImageRef = rebuild.ImageRef, DisplayName = rebuild.Name ?? i.DisplayName, Metadata = rebuild.Metadata ?? i.Metadata, DiskConfig = rebuild.DiskConfig ?? i.DiskConfig,
                AccessIpV4 = rebuild.AccessIpV4 ?? i.AccessIpV4, AccessIpV6 = rebuild.AccessIpV6 ?? i.AccessIpV6, Progress = 0,
            },
            cancellation);

    /// <summary>Accepts a new password for the guest's administrator. Throws <see cref="InstanceInvalidStateException"/> unless the server is active and idle.</summary>
    public Task ChangePasswordAsync(InstanceDocument instance, string adminPass, RequestContext context, CancellationToken cancellation) =>
        ActAsync(instance, ServerAction.ChangePassword, context, new Dictionary<string, string>(), new GuestRequest { AdminPassword = adminPass }, i => i, cancellation);

    /// <summary>Locks a server, or unlocks it. An administrator's lock stays when its owner locks it as well.</summary>
    public async Task LockAsync(InstanceDocument instance, bool locked, RequestContext context, CancellationToken cancellation)
    {
        var by = context.IsAdmin && context.ProjectId != instance.ProjectId ? "admin" : "owner";
        await _instances.UpdateAsync(
            instance.Key, i => i.Locked == locked && (!locked || i.LockedBy == "admin") ? null : i with { Locked = locked, LockedBy = locked ? by : null }, cancellation);
        await _actions.StartAsync(instance.Uuid, locked ? "lock" : "unlock", context, CancellationToken.None);
    }

    /// <summary>Throws <see cref="InstanceInvalidStateException"/> when an action would be refused now.</summary>
    internal static void Check(InstanceDocument instance, ServerAction action)
    {
        if (instance.TaskState is not null || instance.Work is not null || !IsTaken(action, instance))
        {
            throw InvalidState(instance, action.Verb);
        }
    }

    private static bool IsTaken(ServerAction action, InstanceDocument i) =>
        action.From.Contains(i.VmState) && i.MigrationUuid is null && (i.VmState != VmStates.Error || i.LaunchedAt is not null) && (i.Host is not null || i.VmState == VmStates.ShelvedOffloaded);

    /// <summary>Accepts a move to another flavor.</summary>
    public Task ResizeAsync(InstanceDocument instance, Flavor newFlavor, RequestContext context, CancellationToken cancellation) => ResizeAsync(instance, newFlavor, diskConfig: null, context, cancellation);

    /// <summary>Accepts a move to another flavor, and at once <c>AUTO</c> or <c>MANUAL</c> where it is given. Throws <see cref="InstanceInvalidStateException"/> unless the server is active or shut down, and idle.</summary>
    public Task ResizeAsync(InstanceDocument instance, Flavor newFlavor, string? diskConfig, RequestContext context, CancellationToken cancellation) =>
        BeginMigrationAsync(instance, newFlavor, "resize", diskConfig, context, cancellation);

    /// <summary>Accepts a move with the same flavor. Throws <see cref="InstanceInvalidStateException"/> unless the server is active or shut down, and idle.</summary>
    public Task MigrateAsync(InstanceDocument instance, RequestContext context, CancellationToken cancellation) =>
        BeginMigrationAsync(instance, instance.Flavor, "migration", diskConfig: null, context, cancellation);

    /// <summary>Takes the user's word that the server is well where it is now. Throws <see cref="MigrationNotFoundException"/> when there is nothing to confirm.</summary>
    public Task ConfirmResizeAsync(InstanceDocument instance, RequestContext context, CancellationToken cancellation) =>
        DecideAsync(instance, "confirmResize", context, m => _plan.GoTo(m, ResizeMigration.PrepConfirm), cancellation);

    /// <summary>Takes the user's word that the server is to be what and where it was. Throws <see cref="MigrationNotFoundException"/> when there is nothing to revert.</summary>
    public Task RevertResizeAsync(InstanceDocument instance, RequestContext context, CancellationToken cancellation) =>
        DecideAsync(
            instance, "revertResize", context,
            m => _plan.GoTo(m with { Status = MigrationStatus.Reverting, Saga = m.Saga with { Unwinding = ResizeMigration.AfterRevert } }, ResizeMigration.RevertResize), cancellation);

    /// <summary>Brings a migration to rest because its server is to be deleted: one that waits for the user is confirmed, one under way is asked to unwind.</summary>
    internal async Task EndMigrationForDeleteAsync(string migrationUuid, RequestContext context, CancellationToken cancellation)
    {
        var m = await _migrations.UpdateAsync(
            migrationUuid,
            found => found.Status == MigrationStatus.Finished ? _plan.GoTo(found with { Saga = found.Saga with { Context = context } }, ResizeMigration.ConfirmResize)
                : found.Saga.AbortReason is null ? found with { Saga = found.Saga with { AbortReason = "The server is being deleted." } }
                : null,
            cancellation);
        if (m is not null)
        {
            await _hints.MigrationDueAsync(m, cancellation);
        }
    }

    private async Task BeginMigrationAsync(InstanceDocument instance, Flavor newFlavor, string type, string? diskConfig, RequestContext context, CancellationToken cancellation)
    {
        // The migration's document comes first, held by this process's lease; then the server is put under it by one compare-and-set. Dying in between leaves a document that no server
        // stands under: when the lease has run out, the scheduler drops it.
        var verb = type == "resize" ? "resize" : "migrate";
        CheckIdle(instance, verb);
        var uuid = Guid.NewGuid().ToString();
        var migration = await _migrations.InsertAsync(
            new MigrationDocument
            {
                Key = uuid, Uuid = uuid, Id = await _store.NextIdAsync<MigrationDocument>(cancellation),
                InstanceUuid = instance.Uuid, SourceCompute = instance.Host!, SourceNode = instance.Node, OldInstanceTypeId = instance.Flavor.Id, NewInstanceTypeId = newFlavor.Id,
                Status = MigrationStatus.Queued, MigrationType = type,
                Saga = new Saga
                {
                    Step = ResizeMigration.Schedule, Actor = Actors.Scheduler, DueAt = Now, Context = context, OldFlavor = instance.Flavor, NewFlavor = newFlavor, OldVmState = instance.VmState,
                    Lease = new Lease("api " + _process.Id, Now.AddSeconds(_options.LeaseSeconds)),
                },
            },
            cancellation);
        try
        {
            await AcceptAsync(
                instance, verb, i => IsIdle(i) && i.VmState == instance.VmState,
                i => i with { VmState = VmStates.Resizing, TaskState = TaskStates.ResizePrep, MigrationUuid = uuid, Progress = 0, Fault = null, DiskConfig = diskConfig ?? i.DiskConfig }, cancellation);
        }
        catch (InstanceInvalidStateException)
        {
            await _migrations.DeleteAsync(migration, cancellation);
            throw;
        }

        // From here on it happens, whether the caller still listens or not.
        await _actions.StartAsync(instance.Uuid, verb, context, CancellationToken.None);
        if (await _migrations.ReplaceAsync(migration with { Saga = migration.Saga with { Lease = null } }, CancellationToken.None) is { } due)
        {
            await _hints.MigrationDueAsync(due, CancellationToken.None);
        }
    }

    private async Task DecideAsync(InstanceDocument instance, string action, RequestContext context, Func<MigrationDocument, MigrationDocument> decide, CancellationToken cancellation)
    {
        var found = instance.MigrationUuid is { } uuid ? await _migrations.GetAsync(uuid, cancellation) : null;
        if (found is null || found.Status != MigrationStatus.Finished || instance.VmState != VmStates.Resized)
        {
            throw new MigrationNotFoundException("Instance has not been resized.");
        }

        // The word counts at once: a runner that has shown VERIFY_RESIZE and is about to write down that it waits for the word loses its lease, or it would wait for a word that was given.
        var decided = await _migrations.UpdateAsync(
            found.Key, m => m.Status == MigrationStatus.Finished ? decide(m with { Saga = m.Saga with { Context = context, Lease = null, Fault = null } }) : null, cancellation)
            ?? throw new MigrationNotFoundException("Instance has not been resized.");

        // The word is given: what is left is to show it and to tell whoever must act, whether the caller still listens or not.
        await _actions.StartAsync(instance.Uuid, action, context, CancellationToken.None);
        await _plan.ShowAsync(decided, _ => Task.CompletedTask, CancellationToken.None);
        await _hints.MigrationDueAsync(decided, CancellationToken.None);
    }

    private async Task<InstanceDocument> AcceptAsync(
        InstanceDocument instance, string verb, Func<InstanceDocument, bool> allowed, Func<InstanceDocument, InstanceDocument> change, CancellationToken cancellation)
    {
        var refused = instance;
        return await _instances.UpdateAsync(
            instance.Key,
            i =>
            {
                refused = i;
                return i.TaskState is null && i.Work is null && allowed(i) ? change(i) : null;
            },
            cancellation) ?? throw InvalidState(refused, verb);
    }

    private static bool IsIdle(InstanceDocument i) => i is { VmState: VmStates.Active or VmStates.Stopped, TaskState: null, Work: null, MigrationUuid: null, Host: not null };

    private static void CheckIdle(InstanceDocument i, string verb)
    {
        if (!IsIdle(i))
        {
            throw InvalidState(i, verb);
        }
    }

    private static InstanceInvalidStateException InvalidState(InstanceDocument i, string verb) =>
        i.TaskState is { } task ? new(verb, i.Uuid, "task_state", task) : new(verb, i.Uuid, "vm_state", i.VmState);
}
