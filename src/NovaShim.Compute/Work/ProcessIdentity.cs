namespace NovaShim.Compute.Work;

/// <summary>
/// Who this process is in a lease. Beside other processes it is a new id at each start: what a dead process held must run out. The one process that owns an embedded store
/// has the same id always: the store's lock proves that the former holder is gone, and its leases are this process's at once.
/// </summary>
/// <param name="Id">The id.</param>
public sealed record ProcessIdentity(string Id)
{
    /// <summary>One of several processes over a shared store.</summary>
    public static ProcessIdentity OneOfMany() => new(Guid.NewGuid().ToString("N"));

    /// <summary>The only process over an embedded store.</summary>
    public static ProcessIdentity OnlyOne { get; } = new("the-only-process");
}
