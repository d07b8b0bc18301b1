using NovaShim.Sdk;

namespace NovaShim.XenServer.Servers;

/// <summary>XenAPI's power states, and what Nova calls them.</summary>
internal static class PowerStates
{
    public const string Running = "Running";
    public const string Halted = "Halted";
    public const string Paused = "Paused";
    public const string Suspended = "Suspended";

    /// <summary>Nova's number for it.</summary>
    public static PowerState ToNova(string state) => state switch
    {
        Running => PowerState.Running,
        Halted => PowerState.Shutdown,
        Paused => PowerState.Paused,
        Suspended => PowerState.Suspended,
        _ => PowerState.NoState,
    };
}
