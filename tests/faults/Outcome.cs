namespace NovaShim.Faults;

/// <summary>Where a server and its migration stand: the honest places, and those in between.</summary>
[Flags]
internal enum Outcome
{
    /// <summary>Nothing that is known here.</summary>
    None = 0,

    /// <summary>VERIFY_RESIZE, the migration finished.</summary>
    Verify = 1,

    /// <summary>ACTIVE on the source, the migration in error with a reason.</summary>
    TakenBack = 2,

    /// <summary>ACTIVE on the destination, the migration confirmed.</summary>
    Confirmed = 4,

    /// <summary>ACTIVE on the source, the migration reverted.</summary>
    Reverted = 8,

    /// <summary>The server is gone, and all that belonged to it.</summary>
    Deleted = 16,

    /// <summary>ERROR, and the fault names the host that is waited for or what is being retried.</summary>
    Waiting = 32,

    /// <summary>On its way: RESIZE, or a task of a confirm or a revert.</summary>
    Working = 64,
}
