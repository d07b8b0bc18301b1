namespace NovaShim.XenServerSimulator.Guests;

/// <summary>What a guest does while it runs.</summary>
internal sealed record GuestOptions
{
    /// <summary>Journal bytes written per second; 0 writes only when booting and shutting down.</summary>
    public long BytesPerSecond { get; init; } = 1 << 20;

    /// <summary>Time between two flushes.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The agent in it.</summary>
    public GuestAgentKind Agent { get; init; } = GuestAgentKind.On;
}

/// <summary>What answers the control plane in a guest.</summary>
internal enum GuestAgentKind
{
    /// <summary>Nothing.</summary>
    Off,

    /// <summary>An agent that takes files by the old command only, as the one for Unix does.</summary>
    Unix,

    /// <summary>An agent that knows the old command and the new one.</summary>
    On,
}

/// <summary>What a guest has done so far.</summary>
/// <param name="LastSequence">Number of the last record on its disk, 0 before the first.</param>
/// <param name="RecordsWritten">Since this boot.</param>
/// <param name="Error">Why it stopped by itself (damaged journal, disk full …), null while all is well.</param>
internal sealed record GuestState(long LastSequence, long RecordsWritten, string? Error);

/// <summary>What a guest has in its memory, as far as it needs it to go on after it was suspended.</summary>
/// <param name="Boot">Which boot of its journal it is in.</param>
/// <param name="LastSequence">Number of the last record it has written.</param>
internal sealed record GuestMemory(int Boot, long LastSequence);

/// <summary>The guest is dead by its own fault and acknowledges nothing: a clean shutdown fails.</summary>
internal sealed class GuestCrashedException(string message) : Exception(message);
