namespace NovaShim.Sdk;

/// <summary>Where a snapshot of a server is to be written: an image that exists already, without bytes, and can be used once they are all there.</summary>
public sealed record ImageTarget
{
    /// <summary>The image's UUID. Objects that a driver makes on a host for the snapshot carry it, so that a second run finds them.</summary>
    public required string Id { get; init; }

    /// <summary>The image's name. Arbitrary text.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// Opens the image for writing, from its start, once in each run of the verb; what an earlier run has written is gone. The stream goes forward only. The caller disposes it, and by returning from the verb says
    /// that all is written.
    /// </summary>
    public required Func<CancellationToken, Task<Stream>> OpenWrite { get; init; }
}

/// <summary>What a driver has written to an <see cref="ImageTarget"/>.</summary>
/// <param name="DiskFormat">Format of the bytes: <c>vhd</c> or <c>raw</c>; one that the same driver can build a server from.</param>
/// <param name="VirtualSize">Size in bytes of the disk that the image holds: the least root disk of a server built from it.</param>
public sealed record SnapshotInfo(string DiskFormat, long VirtualSize);
