using NovaShim.Compute.Documents;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Api.Tests.Clients;

/// <summary>Plays scheduler and hosts: what the face has accepted comes about in the store a moment later, so that a client that polls sees it happen.</summary>
internal sealed class Stagehand : IAsyncDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(50);

    private readonly IDocumentStore _store;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _work;

    public Stagehand(IDocumentStore store)
    {
        _store = store;
        _work = Task.Run(PlayAsync);
    }

    private IDocumentCollection<InstanceDocument> Instances => _store.Collection<InstanceDocument>();

    private IDocumentCollection<MigrationDocument> Migrations => _store.Collection<MigrationDocument>();

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        try
        {
            await _work;
        }
        catch (OperationCanceledException)
        {
            // Told to.
        }

        _end.Dispose();
    }

    private async Task PlayAsync()
    {
        while (true)
        {
            foreach (var instance in await Instances.WhereAsync(i => !i.Deleted && i.TaskState != null, _end.Token))
            {
                await ActAsync(instance);
            }

            await Task.Delay(Pace, _end.Token);
        }
    }

    private async Task ActAsync(InstanceDocument instance)
    {
        var migration = instance.MigrationUuid is { } uuid ? await Migrations.GetAsync(uuid, _end.Token) : null;
        switch (instance.TaskState)
        {
            case TaskStates.Scheduling:
                await ChangeAsync(instance, i => i with { VmState = VmStates.Active, Host = "xen1", Node = "xen1.example", PowerState = PowerState.Running, Progress = 100, Addresses = ["10.0.0.9"] });
                break;
            case TaskStates.Rebooting or TaskStates.RebootingHard:
                await ChangeAsync(instance, i => i);
                break;
            case TaskStates.Deleting:
                await ChangeAsync(instance, i => i with { VmState = VmStates.Deleted, Deleted = true });
                break;
            case TaskStates.ResizePrep when migration is { Saga.Lease: null } && instance.Progress < 80:
                await Instances.UpdateAsync(instance.Key, i => i with { Progress = i.Progress + 10 }, _end.Token);
                break;
            case TaskStates.ResizePrep when migration is { Saga.Lease: null }:
                await Migrations.UpdateAsync(migration.Key, m => m with { Status = MigrationStatus.Finished, DestCompute = "xen2" }, _end.Token);
                await ChangeAsync(instance, i => i with { VmState = VmStates.Resized, Flavor = migration.Saga.NewFlavor, Host = "xen2", Progress = 100 });
                break;
            case TaskStates.ResizeConfirming:
                await Migrations.UpdateAsync(migration!.Key, m => m with { Status = MigrationStatus.Confirmed }, _end.Token);
                await ChangeAsync(instance, i => i with { VmState = VmStates.Active, MigrationUuid = null });
                break;
            case TaskStates.ResizeReverting:
                await Migrations.UpdateAsync(migration!.Key, m => m with { Status = MigrationStatus.Reverted }, _end.Token);
                await ChangeAsync(instance, i => i with { VmState = VmStates.Active, MigrationUuid = null, Flavor = migration.Saga.OldFlavor, Host = "xen1" });
                break;
        }
    }

    private Task ChangeAsync(InstanceDocument instance, Func<InstanceDocument, InstanceDocument> change) =>
        Instances.UpdateAsync(instance.Key, i => change(i) with { TaskState = null, Work = null }, _end.Token);
}
