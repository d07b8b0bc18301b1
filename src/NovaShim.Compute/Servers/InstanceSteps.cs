namespace NovaShim.Compute.Servers;

/// <summary>Steps of work on a server outside migrations: the methods of Nova's messages.</summary>
public static class InstanceSteps
{
    /// <summary>Choose a host (the scheduler's step), then build there (the host's).</summary>
    public const string RunInstance = "run_instance";

    /// <summary>Destroy.</summary>
    public const string TerminateInstance = "terminate_instance";

    /// <summary>Restart.</summary>
    public const string RebootInstance = "reboot_instance";

    /// <summary>Shut down.</summary>
    public const string StopInstance = "stop_instance";

    /// <summary>Start.</summary>
    public const string StartInstance = "start_instance";

    /// <summary>Stop the clock.</summary>
    public const string PauseInstance = "pause_instance";

    /// <summary>Let it go on.</summary>
    public const string UnpauseInstance = "unpause_instance";

    /// <summary>Write the memory to disk.</summary>
    public const string SuspendInstance = "suspend_instance";

    /// <summary>Let it go on from there.</summary>
    public const string ResumeInstance = "resume_instance";

    /// <summary>Put a rescue VM in its place.</summary>
    public const string RescueInstance = "rescue_instance";

    /// <summary>Take that away again.</summary>
    public const string UnrescueInstance = "unrescue_instance";

    /// <summary>New disks from an image.</summary>
    public const string RebuildInstance = "rebuild_instance";

    /// <summary>The disk to an image.</summary>
    public const string SnapshotInstance = "snapshot_instance";

    /// <summary>The same, and remove the oldest of a rotation.</summary>
    public const string BackupInstance = "backup_instance";

    /// <summary>Set the administrator's password.</summary>
    public const string SetAdminPassword = "set_admin_password";

    /// <summary>Tell the VM its addresses.</summary>
    public const string InjectNetworkInfo = "inject_network_info";

    /// <summary>Have the guest set its network up anew.</summary>
    public const string ResetNetwork = "reset_network";

    /// <summary>Shut down, and the disk to an image.</summary>
    public const string ShelveInstance = "shelve_instance";

    /// <summary>Off the host, once the image is there.</summary>
    public const string ShelveOffloadInstance = "shelve_offload_instance";

    /// <summary>Choose a host (the scheduler's step), then build there from the image (the host's).</summary>
    public const string UnshelveInstance = "unshelve_instance";
}

/// <summary>Names of the arguments of work on a server, Nova's where it has one.</summary>
internal static class InstanceArgs
{
    /// <summary>The image to rescue with.</summary>
    public const string RescueImageRef = "rescue_image_ref";

    /// <summary>The image to write to.</summary>
    public const string ImageId = "image_id";

    /// <summary>Which rotation an image belongs to.</summary>
    public const string BackupType = "backup_type";

    /// <summary>How many images of a rotation to keep.</summary>
    public const string Rotation = "rotation";
}
