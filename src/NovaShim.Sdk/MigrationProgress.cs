namespace NovaShim.Sdk;

/// <summary>One pass of the copy from host to host.</summary>
/// <param name="Name">What was sent, for people: <c>base</c>, <c>delta 1</c>, <c>last delta</c>.</param>
/// <param name="Bytes">Bytes of disk files covered by the pass so far.</param>
/// <param name="Seconds">How long it has taken.</param>
/// <param name="GuestRunning">False for the pass that is part of the downtime.</param>
public sealed record CopyRound(string Name, long Bytes, double Seconds, bool GuestRunning);

/// <summary>How far a migration is, in figures that come from the transfer itself.</summary>
public sealed record MigrationProgress
{
    /// <summary>0 to 100, Nova's <c>server.progress</c>: up to 90 while the guest runs, up to 99 until the new VM has started.</summary>
    public int Percent { get; init; }

    /// <summary>Bytes moved so far, over all rounds.</summary>
    public long BytesDone { get; init; }

    /// <summary>Bytes known to be moved in all; grows when the guest writes.</summary>
    public long BytesTotal { get; init; }

    /// <summary>The passes, in order.</summary>
    public IReadOnlyList<CopyRound> Rounds { get; init; } = [];

    /// <summary>When the source VM was told to stop (UTC): downtime begins.</summary>
    public DateTime? StoppedAt { get; init; }

    /// <summary>When the destination VM had started (UTC): downtime ends.</summary>
    public DateTime? StartedAt { get; init; }
}
