using NovaShim.Api.Requests;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers;

/// <summary>
/// What users are shown of a server's state. The one place that knows it; <c>api-spec/server-statuses.json</c> is the same table for people and tests.
/// </summary>
internal static class ServerStatus
{
    /// <summary>The status of a server, from what is stored of its state.</summary>
    public static string Of(string vmState, string? taskState) => (vmState, taskState) switch
    {
        (VmStates.Building, _) => "BUILD",
        (VmStates.Resizing or VmStates.Resized or VmStates.Active, TaskStates.ResizeReverting) => "REVERT_RESIZE",
        (VmStates.Resized, _) => "VERIFY_RESIZE",
        (VmStates.Resizing, _) => "RESIZE",
        (VmStates.Active or VmStates.Stopped, TaskStates.ResizePrep or TaskStates.ResizeMigrating or TaskStates.ResizeMigrated or TaskStates.ResizeFinish) => "RESIZE",
        (VmStates.Active, TaskStates.ResizeConfirming) => "VERIFY_RESIZE",
        (VmStates.Active, TaskStates.Rebooting) => "REBOOT",
        (VmStates.Active or VmStates.Stopped or VmStates.Error, TaskStates.RebootingHard) => "HARD_REBOOT",
        (VmStates.Active or VmStates.Stopped or VmStates.Error, TaskStates.Rebuilding) => "REBUILD",
        (VmStates.Active, TaskStates.UpdatingPassword) => "PASSWORD",
        (VmStates.Active, _) => "ACTIVE",
        (VmStates.Stopped, _) => "SHUTOFF",
        (VmStates.Paused, _) => "PAUSED",
        (VmStates.Suspended, _) => "SUSPENDED",
        (VmStates.Rescued, _) => "RESCUE",
        (VmStates.Shelved, _) => "SHELVED",
        (VmStates.ShelvedOffloaded, _) => "SHELVED_OFFLOADED",
        (VmStates.Error, _) => "ERROR",
        (VmStates.Deleted, _) => "DELETED",
        _ => "UNKNOWN",
    };

    /// <summary>The status of a server.</summary>
    public static string Of(InstanceDocument instance) => Of(instance.VmState, instance.TaskState);

    /// <summary>The vm_state a surface shows. Today's Nova has no state of its own for a move under way; that of 2011 had none for one to be verified.</summary>
    public static string VmStateOn(Surface surface, string vmState) => (vmState, surface.IsLegacy()) switch
    {
        (VmStates.Resized, true) => VmStates.Active,
        (VmStates.Resizing, false) => VmStates.Active,
        _ => vmState,
    };

    /// <summary>The task_state a surface shows.</summary>
    public static string? TaskStateOn(Surface surface, string vmState, string? taskState) =>
        surface.IsLegacy() && vmState == VmStates.Resized && taskState is null ? "resize_verify" : taskState;

    /// <summary>Whether today's surface shows <c>progress</c> in a status.</summary>
    public static bool HasProgress(string status) => status is "ACTIVE" or "BUILD" or "REBUILD" or "RESIZE" or "VERIFY_RESIZE";
}
