namespace NovaShim.Compute.Servers;

/// <summary>Values of <see cref="InstanceDocument.TaskState"/> (Nova's <c>task_states</c>).</summary>
public static class TaskStates
{
    /// <summary>A host is being chosen.</summary>
    public const string Scheduling = "scheduling";

    /// <summary>The host builds it.</summary>
    public const string Spawning = "spawning";

    /// <summary>An orderly reboot.</summary>
    public const string Rebooting = "rebooting";

    /// <summary>A reset.</summary>
    public const string RebootingHard = "rebooting_hard";

    /// <summary>Being deleted.</summary>
    public const string Deleting = "deleting";

    /// <summary>Being shut down.</summary>
    public const string PoweringOff = "powering-off";

    /// <summary>Being started.</summary>
    public const string PoweringOn = "powering-on";

    /// <summary>Being paused.</summary>
    public const string Pausing = "pausing";

    /// <summary>Going on after a pause.</summary>
    public const string Unpausing = "unpausing";

    /// <summary>Being suspended.</summary>
    public const string Suspending = "suspending";

    /// <summary>Going on after it was suspended.</summary>
    public const string Resuming = "resuming";

    /// <summary>A rescue VM is put in its place.</summary>
    public const string Rescuing = "rescuing";

    /// <summary>It comes back in the rescue VM's place.</summary>
    public const string Unrescuing = "unrescuing";

    /// <summary>It gets new disks from an image.</summary>
    public const string Rebuilding = "rebuilding";

    /// <summary>Its disk is written to an image.</summary>
    public const string ImageSnapshot = "image_snapshot";

    /// <summary>Its disk is written to an image that is one of a rotation.</summary>
    public const string ImageBackup = "image_backup";

    /// <summary>The administrator's password is being set.</summary>
    public const string UpdatingPassword = "updating_password";

    /// <summary>Its network is being set up anew.</summary>
    public const string Networking = "networking";

    /// <summary>It is shut down and written to an image.</summary>
    public const string Shelving = "shelving";

    /// <summary>It is taken off its host.</summary>
    public const string ShelvingOffloading = "shelving_offloading";

    /// <summary>It is brought back from its image.</summary>
    public const string Unshelving = "unshelving";

    /// <summary>A resize was accepted.</summary>
    public const string ResizePrep = "resize_prep";

    /// <summary>Its disks are being copied.</summary>
    public const string ResizeMigrating = "resize_migrating";

    /// <summary>Its disks have been copied.</summary>
    public const string ResizeMigrated = "resize_migrated";

    /// <summary>The destination rebuilds it.</summary>
    public const string ResizeFinish = "resize_finish";

    /// <summary>The resize is being confirmed.</summary>
    public const string ResizeConfirming = "resize_confirming";

    /// <summary>The resize is being reverted.</summary>
    public const string ResizeReverting = "resize_reverting";
}
