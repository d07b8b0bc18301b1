using NovaShim.Compute.Hosts;
using NovaShim.Compute.Images;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Servers;

/// <summary>
/// Does what is done to servers where they are (<see cref="ServerAction"/>). Each step calls the driver and then, in one compare-and-set, says what the server has become. Dying in between repeats the verb, which finds
/// its work done; failing for good puts the server back where it was.
/// </summary>
internal sealed class ActionSteps(IImageLibrary images, SnapshotSteps snapshots, ResourceTracker resources, WorkHints hints, ComputeOptions options, TimeProvider time)
{
    /// <summary>Takes the step at its host.</summary>
    public Task RunAsync(LeasedWork<InstanceDocument> work, ServerAction action, string host, ComputeManager manager) => work.Item.Step switch
    {
        InstanceSteps.RescueInstance => RescueAsync(work, action, manager),
        InstanceSteps.RebuildInstance => RebuildAsync(work, action, host, manager),
        InstanceSteps.SnapshotInstance => SnapshotAsync(work, action, manager, rotate: false),
        InstanceSteps.BackupInstance => SnapshotAsync(work, action, manager, rotate: true),
        InstanceSteps.ShelveInstance => ShelveAsync(work, action, host, manager),
        InstanceSteps.ShelveOffloadInstance => OffloadAsync(work, host, manager),
        InstanceSteps.UnshelveInstance => UnshelveAsync(work, action, host, manager),
        _ => DoAsync(work, action, manager),
    };

    /// <summary>Puts the server back where it was, with the reason. What cannot be put back is in ERROR.</summary>
    /// <param name="work">The work that has failed for good.</param>
    /// <param name="manager">The compute manager of the host that acted; null for the scheduler.</param>
    /// <param name="message">For people.</param>
    public async Task GiveUpAsync(LeasedWork<InstanceDocument> work, ComputeManager? manager, string message)
    {
        var before = work.Document.Work!.PreviousVmState ?? work.Document.VmState;
        var info = manager is null ? null : await LookAsync(work, manager);
        switch (work.Item.Step)
        {
            case InstanceSteps.RebuildInstance:
                // The old disks may be gone.
                before = VmStates.Error;
                break;
            case InstanceSteps.SnapshotInstance or InstanceSteps.BackupInstance:
                await snapshots.DropAsync(work);
                break;
            case InstanceSteps.ShelveInstance:
                await snapshots.DropAsync(work);
                (before, info) = await BackFromShelfAsync(work, manager!, before);
                break;
            case InstanceSteps.UnshelveInstance when IsBuild(work.Document):
                // The runner has cleared up.
                info = null;
                break;
        }

        var now = time.GetUtcNow().UtcDateTime;
        await work.UpdateAsync(
            d => d.Faulted(message, now) with
            {
                VmState = before, TaskState = null, PowerState = info?.PowerState ?? d.PowerState, Work = null, Host = before == VmStates.ShelvedOffloaded ? null : d.Host, Node = before == VmStates.ShelvedOffloaded ? null : d.Node,
            },
            CancellationToken.None);
    }

    /// <summary>Whether the work builds the server anew: on a host that it was not on before.</summary>
    public static bool IsBuild(InstanceDocument i) =>
        i.Work!.Step == InstanceSteps.RunInstance || i.Work is { Step: InstanceSteps.UnshelveInstance, PreviousVmState: VmStates.ShelvedOffloaded };

    /// <summary>Leaves nothing of a build that a host has failed.</summary>
    public async Task ClearAsync(LeasedWork<InstanceDocument> work, string? host, ComputeManager? manager)
    {
        if (manager is not null)
        {
            await manager.TerminateInstanceAsync(new InstanceContext(work), work.Lost);
            await resources.ReleaseAsync(host!, work.Document.Uuid, migrationUuid: null, work.Lost);
        }
    }

    private static async Task DoAsync(LeasedWork<InstanceDocument> work, ServerAction action, ComputeManager manager)
    {
        Func<InstanceStepContext, CancellationToken, Task> verb = work.Item.Step switch
        {
            InstanceSteps.StopInstance => manager.StopInstanceAsync,
            InstanceSteps.StartInstance => manager.StartInstanceAsync,
            InstanceSteps.PauseInstance => manager.PauseInstanceAsync,
            InstanceSteps.UnpauseInstance => manager.UnpauseInstanceAsync,
            InstanceSteps.SuspendInstance => manager.SuspendInstanceAsync,
            InstanceSteps.ResumeInstance => manager.ResumeInstanceAsync,
            InstanceSteps.UnrescueInstance => manager.UnrescueInstanceAsync,
            InstanceSteps.SetAdminPassword => manager.SetAdminPasswordAsync,
            InstanceSteps.InjectNetworkInfo => manager.InjectNetworkInfoAsync,
            InstanceSteps.ResetNetwork => manager.ResetNetworkAsync,
            var step => throw new StepFailedException($"{step} is no work for a host.", StepRecovery.Unwind),
        };
        await verb(new InstanceContext(work), work.Lost);
        await FinishAsync(work, action, manager);
    }

    private async Task RescueAsync(LeasedWork<InstanceDocument> work, ServerAction action, ComputeManager manager)
    {
        var image = await images.OpenAsync(work.Document.Work!.Args.GetValueOrDefault(InstanceArgs.RescueImageRef) ?? work.Document.ImageRef, work.Lost);
        await manager.RescueInstanceAsync(new InstanceContext(work) { Image = image }, work.Lost);
        await FinishAsync(work, action, manager);
    }

    private async Task RebuildAsync(LeasedWork<InstanceDocument> work, ServerAction action, string host, ComputeManager manager)
    {
        var image = await images.OpenAsync(work.Document.ImageRef, work.Lost);
        await manager.RebuildInstanceAsync(new InstanceContext(work) { Image = image }, work.Lost);
        var drive = manager.Driver.ForcesConfigDrive;
        if (work.Document.Work!.PreviousVmState != VmStates.Stopped)
        {
            await FinishAsync(work, action, manager, d => d with { ConfigDrive = d.ConfigDrive || drive });
            return;
        }

        // It was shut down, and is to be so again.
        var now = time.GetUtcNow().UtcDateTime;
        var handed = await work.UpdateAsync(
            d => d with
            {
                VmState = VmStates.Active, TaskState = TaskStates.PoweringOff, ConfigDrive = d.ConfigDrive || drive,
                Work = d.Work!.HandedTo(host, now) with { Step = InstanceSteps.StopInstance, PreviousVmState = VmStates.Active, Guest = null },
            },
            CancellationToken.None);
        await hints.InstanceDueAsync(handed, CancellationToken.None);
    }

    private async Task SnapshotAsync(LeasedWork<InstanceDocument> work, ServerAction action, ComputeManager manager, bool rotate)
    {
        await snapshots.WriteAsync(work, manager);
        if (rotate)
        {
            await snapshots.RotateAsync(work);
        }

        await FinishAsync(work, action, manager);
    }

    private async Task ShelveAsync(LeasedWork<InstanceDocument> work, ServerAction action, string host, ComputeManager manager)
    {
        // A way back from the shelf that was given up at its very end has left its image.
        await snapshots.DropShelvedAsync(work.Document, work.Lost);
        await manager.StopInstanceAsync(new InstanceContext(work), work.Lost);
        await snapshots.WriteAsync(work, manager);
        var (now, image) = (time.GetUtcNow().UtcDateTime, SnapshotSteps.ImageOf(work));
        if (!options.OffloadShelved)
        {
            await FinishAsync(work, action, manager, d => d with { ShelvedImageId = image });
            return;
        }

        var handed = await work.UpdateAsync(
            d => d with
            {
                VmState = VmStates.Shelved, TaskState = TaskStates.ShelvingOffloading, PowerState = PowerState.Shutdown, ShelvedImageId = image,
                Work = d.Work!.HandedTo(host, now) with { Step = InstanceSteps.ShelveOffloadInstance, PreviousVmState = VmStates.Shelved, Args = new Dictionary<string, string>() },
            },
            CancellationToken.None);
        await hints.InstanceDueAsync(handed, CancellationToken.None);
    }

    private async Task OffloadAsync(LeasedWork<InstanceDocument> work, string host, ComputeManager manager)
    {
        // Nothing is destroyed before the image that replaces it is there.
        await images.RequireAsync(work.Document.ShelvedImageId!, work.Lost);
        await ClearAsync(work, host, manager);
        await work.UpdateAsync(
            d => d with { VmState = VmStates.ShelvedOffloaded, TaskState = null, PowerState = PowerState.NoState, Host = null, Node = null, Fault = null, Work = null }, CancellationToken.None);
    }

    private async Task UnshelveAsync(LeasedWork<InstanceDocument> work, ServerAction action, string host, ComputeManager manager)
    {
        if (work.Document.Work!.PreviousVmState != action.To)
        {
            if (IsBuild(work.Document))
            {
                await resources.ClaimAsync(host, work.Document.Uuid, migrationUuid: null, work.Document.Flavor, work.Lost);
                var image = await images.OpenAsync(work.Document.ShelvedImageId!, work.Lost);
                await manager.RunInstanceAsync(new InstanceContext(work) { Image = image }, work.Lost);
            }
            else
            {
                await manager.StartInstanceAsync(new InstanceContext(work), work.Lost);
            }

            // From here on there is no way back to the shelf: the image goes.
            var drive = IsBuild(work.Document) && manager.Driver.ForcesConfigDrive;
            await work.UpdateAsync(d => d with { ConfigDrive = d.ConfigDrive || drive, Work = d.Work! with { PreviousVmState = action.To } }, CancellationToken.None);
        }

        await snapshots.DropShelvedAsync(work.Document, work.Lost);
        await FinishAsync(work, action, manager, d => d with { ShelvedImageId = null });
    }

    private static async Task FinishAsync(LeasedWork<InstanceDocument> work, ServerAction action, ComputeManager manager, Func<InstanceDocument, InstanceDocument>? also = null)
    {
        var info = await LookAsync(work, manager);
        await work.UpdateAsync(
            d => (also?.Invoke(d) ?? d) with
            {
                VmState = action.To ?? d.Work!.PreviousVmState ?? d.VmState, TaskState = null, PowerState = info?.PowerState ?? d.PowerState, Addresses = info is { Addresses.Count: > 0 } ? info.Addresses : d.Addresses,
                Fault = null, Work = null,
            },
            CancellationToken.None);
    }

    // It was shut down for the shelf, and is started again where it was running. A paused or suspended one has lost its memory: it is what it has become.
    private static async Task<(string VmState, InstanceInfo? Info)> BackFromShelfAsync(LeasedWork<InstanceDocument> work, ComputeManager manager, string before)
    {
        var info = await LookAsync(work, manager);
        if (before == VmStates.Active && info?.PowerState == PowerState.Shutdown)
        {
            await manager.StartInstanceAsync(new InstanceContext(work), work.Lost);
            info = await LookAsync(work, manager);
        }

        return (info?.PowerState == PowerState.Shutdown ? VmStates.Stopped : before, info);
    }

    private static async Task<InstanceInfo?> LookAsync(LeasedWork<InstanceDocument> work, ComputeManager manager)
    {
        try
        {
            return await manager.GetInfoAsync(InstanceRecord.Of(work.Document), work.Lost);
        }
        catch (Exception) when (!work.Lost.IsCancellationRequested)
        {
            // The host does not answer; what was last known of it stays.
            return null;
        }
    }
}
