namespace NovaShim.Compute.Servers;

/// <summary>Values of <see cref="InstanceDocument.VmState"/> (Nova's <c>vm_states</c>).</summary>
public static class VmStates
{
    /// <summary>Being built.</summary>
    public const string Building = "building";

    /// <summary>Running.</summary>
    public const string Active = "active";

    /// <summary>Shut down by the user.</summary>
    public const string Stopped = "stopped";

    /// <summary>Its clock stands still.</summary>
    public const string Paused = "paused";

    /// <summary>Its memory lies on disk.</summary>
    public const string Suspended = "suspended";

    /// <summary>Another VM runs in its place, with its root disk attached.</summary>
    public const string Rescued = "rescued";

    /// <summary>Shut down and kept as an image, but still on its host.</summary>
    public const string Shelved = "shelved";

    /// <summary>Kept as an image only, on no host.</summary>
    public const string ShelvedOffloaded = "shelved_offloaded";

    /// <summary>On its way to another host.</summary>
    public const string Resizing = "resizing";

    /// <summary>There, and to be verified by the user.</summary>
    public const string Resized = "resized";

    /// <summary>Something went wrong.</summary>
    public const string Error = "error";

    /// <summary>Gone.</summary>
    public const string Deleted = "deleted";
}
