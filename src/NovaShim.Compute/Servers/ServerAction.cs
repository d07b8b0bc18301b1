using System.Collections.Frozen;

namespace NovaShim.Compute.Servers;

/// <summary>
/// Something that is done to a server where it is: from which states, under which task state, and what it is then. What is not in <see cref="All"/> is either a migration or has a life of its own: build,
/// reboot, delete.
/// </summary>
/// <param name="Verb">Nova's word for it in the action log and in <c>Cannot 'verb' instance …</c>.</param>
/// <param name="Step">The message.</param>
/// <param name="TaskState">While it is under way.</param>
/// <param name="From">The vm_states it is taken in; Nova's <c>check_instance_state</c>.</param>
/// <param name="To">The vm_state it ends in; null: the one it began in.</param>
/// <param name="Event">What Nova calls it in notifications; null when it is silent.</param>
public sealed record ServerAction(string Verb, string Step, string TaskState, IReadOnlyList<string> From, string? To, string? Event)
{
    private static readonly IReadOnlyList<string> Usable = [VmStates.Active, VmStates.Stopped, VmStates.Paused, VmStates.Suspended];

    /// <summary>Shut down.</summary>
    public static readonly ServerAction Stop = new("stop", InstanceSteps.StopInstance, TaskStates.PoweringOff, [VmStates.Active, VmStates.Error], VmStates.Stopped, "power_off");

    /// <summary>Start.</summary>
    public static readonly ServerAction Start = new("start", InstanceSteps.StartInstance, TaskStates.PoweringOn, [VmStates.Stopped], VmStates.Active, "power_on");

    /// <summary>Stop the clock.</summary>
    public static readonly ServerAction Pause = new("pause", InstanceSteps.PauseInstance, TaskStates.Pausing, [VmStates.Active], VmStates.Paused, "pause");

    /// <summary>Let it go on.</summary>
    public static readonly ServerAction Unpause = new("unpause", InstanceSteps.UnpauseInstance, TaskStates.Unpausing, [VmStates.Paused], VmStates.Active, "unpause");

    /// <summary>The memory to disk.</summary>
    public static readonly ServerAction Suspend = new("suspend", InstanceSteps.SuspendInstance, TaskStates.Suspending, [VmStates.Active], VmStates.Suspended, "suspend");

    /// <summary>Go on from there.</summary>
    public static readonly ServerAction Resume = new("resume", InstanceSteps.ResumeInstance, TaskStates.Resuming, [VmStates.Suspended], VmStates.Active, "resume");

    /// <summary>A rescue VM in its place.</summary>
    public static readonly ServerAction Rescue = new("rescue", InstanceSteps.RescueInstance, TaskStates.Rescuing, [VmStates.Active, VmStates.Stopped, VmStates.Error], VmStates.Rescued, "rescue");

    /// <summary>Away with it.</summary>
    public static readonly ServerAction Unrescue = new("unrescue", InstanceSteps.UnrescueInstance, TaskStates.Unrescuing, [VmStates.Rescued], VmStates.Active, "unrescue");

    /// <summary>New disks from an image.</summary>
    public static readonly ServerAction Rebuild = new("rebuild", InstanceSteps.RebuildInstance, TaskStates.Rebuilding, [VmStates.Active, VmStates.Stopped, VmStates.Error], VmStates.Active, "rebuild");

    /// <summary>The disk to an image.</summary>
    public static readonly ServerAction CreateImage = new("createImage", InstanceSteps.SnapshotInstance, TaskStates.ImageSnapshot, Usable, null, "snapshot");

    /// <summary>The same, in a rotation.</summary>
    public static readonly ServerAction CreateBackup = new("createBackup", InstanceSteps.BackupInstance, TaskStates.ImageBackup, Usable, null, "snapshot");

    /// <summary>The administrator's password.</summary>
    public static readonly ServerAction ChangePassword = new("changePassword", InstanceSteps.SetAdminPassword, TaskStates.UpdatingPassword, [VmStates.Active], null, null);

    /// <summary>The VM is told its addresses.</summary>
    public static readonly ServerAction InjectNetworkInfo = new("injectNetworkInfo", InstanceSteps.InjectNetworkInfo, TaskStates.Networking, Usable, null, null);

    /// <summary>The guest sets its network up anew.</summary>
    public static readonly ServerAction ResetNetwork = new("resetNetwork", InstanceSteps.ResetNetwork, TaskStates.Networking, [VmStates.Active], null, null);

    /// <summary>Off to the shelf.</summary>
    public static readonly ServerAction Shelve = new("shelve", InstanceSteps.ShelveInstance, TaskStates.Shelving, Usable, VmStates.Shelved, "shelve");

    /// <summary>Off the host as well.</summary>
    public static readonly ServerAction ShelveOffload = new("shelveOffload", InstanceSteps.ShelveOffloadInstance, TaskStates.ShelvingOffloading, [VmStates.Shelved], VmStates.ShelvedOffloaded, "shelve_offload");

    /// <summary>Back from the shelf.</summary>
    public static readonly ServerAction Unshelve = new("unshelve", InstanceSteps.UnshelveInstance, TaskStates.Unshelving, [VmStates.Shelved, VmStates.ShelvedOffloaded], VmStates.Active, "unshelve");

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<ServerAction> All =
    [
        Stop, Start, Pause, Unpause, Suspend, Resume, Rescue, Unrescue, Rebuild, CreateImage, CreateBackup, ChangePassword, InjectNetworkInfo, ResetNetwork, Shelve, ShelveOffload, Unshelve,
    ];

    private static readonly FrozenDictionary<string, ServerAction> ByStep = All.ToFrozenDictionary(a => a.Step);

    /// <summary>The action of a step; null for the steps of what has a life of its own.</summary>
    public static ServerAction? Of(string step) => ByStep.GetValueOrDefault(step);
}
