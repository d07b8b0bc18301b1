namespace NovaShim.XenServer.XenApi;

/// <summary>XenServer refused a call, or its task failed: an error code and its parameters.</summary>
internal sealed class Failure(string method, IReadOnlyList<string> description) : Exception(Text(method, description))
{
    public const string SESSION_INVALID = "SESSION_INVALID";
    public const string HOST_IS_SLAVE = "HOST_IS_SLAVE";
    public const string HANDLE_INVALID = "HANDLE_INVALID";
    public const string UUID_INVALID = "UUID_INVALID";
    public const string MAP_DUPLICATE_KEY = "MAP_DUPLICATE_KEY";
    public const string VM_BAD_POWER_STATE = "VM_BAD_POWER_STATE";
    public const string OPERATION_BLOCKED = "OPERATION_BLOCKED";
    public const string HOST_NOT_ENOUGH_FREE_MEMORY = "HOST_NOT_ENOUGH_FREE_MEMORY";
    public const string NO_HOSTS_AVAILABLE = "NO_HOSTS_AVAILABLE";
    public const string VDI_IN_USE = "VDI_IN_USE";
    public const string SR_SCAN_FAILED = "SR_BACKEND_FAILURE_40";
    public const string VM_MISSING_PV_DRIVERS = "VM_MISSING_PV_DRIVERS";
    public const string VM_LACKS_FEATURE = "VM_LACKS_FEATURE";
    public const string VM_LACKS_FEATURE_SUSPEND = "VM_LACKS_FEATURE_SUSPEND";
    public const string INTERNAL_ERROR = "INTERNAL_ERROR";
    public const string DEVICE_ALREADY_EXISTS = "DEVICE_ALREADY_EXISTS";

    /// <summary>The code, then its parameters.</summary>
    public IReadOnlyList<string> ErrorDescription { get; } = description;

    /// <summary>The code, such as <c>VM_BAD_POWER_STATE</c>.</summary>
    public string Code => ErrorDescription.Count > 0 ? ErrorDescription[0] : "";

    /// <summary>The object the call was about is gone.</summary>
    public bool IsGone => Code is HANDLE_INVALID or UUID_INVALID;

    /// <summary>The host has no memory for the VM.</summary>
    public bool IsOutOfMemory => Code is HOST_NOT_ENOUGH_FREE_MEMORY or NO_HOSTS_AVAILABLE;

    // A session's reference is as good as its password for as long as it lives.
    private static string Text(string method, IReadOnlyList<string> description) =>
        description is [SESSION_INVALID, ..] ? $"{method}: {SESSION_INVALID}" : $"{method}: {string.Join(", ", description)}";
}
