namespace NovaShim.Faults;

/// <summary>What goes wrong. What is to come of it at which moment says <see cref="Expected"/>.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Strike">
/// Does it, when the migration rests at the moment, and returns the proof that it has struck (a process id, a count …); throws when it found nothing to strike. It decides itself when the moment's
/// hold ends (<see cref="Trial.ReleaseAsync"/>, if not before it returns). When it has returned, everything is mended and the migration has to go on by itself.
/// </param>
internal sealed record Fault(string Name, Func<Trial, Task<string>> Strike)
{
    /// <summary>The moments at which there is something to strike; the others are no cells.</summary>
    public Func<Moment, bool> At { get; init; } = m => !m.IsAtRest;

    /// <summary>Prepares it before the user asks for anything.</summary>
    public Func<Trial, Task> Arm { get; init; } = _ => Task.CompletedTask;

    /// <summary>
    /// Whether it lasts until a host counts as silent. Elsewhere nobody is called silent before ten minutes have passed, so that a process that is slow to start on a busy machine is not taken for dead.
    /// </summary>
    public bool UntilSilent { get; init; }

    /// <summary>For a fault that lasts until the end: proves at the end that it has struck. Added to the proof.</summary>
    public Func<Trial, Task<string>>? AtTheEnd { get; init; }

    /// <summary>All faults.</summary>
    public static IReadOnlyList<Fault> All { get; } = [.. ProcessFaults.All, .. WireFaults.All, .. WayFaults.All, .. DiskFaults.All, .. XenApiFaults.All, .. OperatorFaults.All, .. UserFaults.All];
}
