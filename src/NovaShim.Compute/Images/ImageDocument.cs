using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Images;

/// <summary>The statuses of an image.</summary>
public static class ImageStatuses
{
    /// <summary>There is a document and no bytes yet.</summary>
    public const string Queued = "queued";

    /// <summary>The bytes are coming in.</summary>
    public const string Saving = "saving";

    /// <summary>It can be booted.</summary>
    public const string Active = "active";

    /// <summary>It has been withdrawn for now: nobody but administrators gets its bytes, and no server is built from it.</summary>
    public const string Deactivated = "deactivated";

    /// <summary>What was to become an image never will.</summary>
    public const string Killed = "killed";

    /// <summary>Whether an image in this status has all its bytes.</summary>
    public static bool IsWhole(string status) => status is Active or Deactivated;
}

/// <summary>Who sees an image beside its owner.</summary>
public static class ImageVisibilities
{
    /// <summary>Everybody.</summary>
    public const string Public = "public";

    /// <summary>Nobody.</summary>
    public const string Private = "private";

    /// <summary>The tenants that are its members.</summary>
    public const string Shared = "shared";

    /// <summary>Everybody who asks for it; it is in nobody's list who did not.</summary>
    public const string Community = "community";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Public, Private, Shared, Community];
}

/// <summary>An image.</summary>
public sealed record ImageDocument : Document
{
    /// <summary>The image's UUID; the same as <see cref="Document.Key"/>.</summary>
    public required string Uuid { get; init; }

    /// <summary>Its name; empty when it has none.</summary>
    public required string Name { get; init; }

    /// <summary>One of <see cref="ImageStatuses"/>.</summary>
    public string Status { get; init; } = ImageStatuses.Active;

    /// <summary><c>vhd</c> or <c>raw</c>; null while nobody has said.</summary>
    public required string? DiskFormat { get; init; }

    /// <summary><c>bare</c>; null while nobody has said.</summary>
    public string? ContainerFormat { get; init; } = "bare";

    /// <summary>Length of its file in bytes; 0 while there is none.</summary>
    public long Size { get; init; }

    /// <summary>Size of the disk in it, in bytes; null where it has not been looked at.</summary>
    public long? VirtualSize { get; init; }

    /// <summary>MD5 of the file in hexadecimal; null where it came with the configuration. For clients that compare it; nothing is trusted by it.</summary>
    public string? Checksum { get; init; }

    /// <summary>SHA-512 of the file in hexadecimal; null likewise.</summary>
    public string? OsHashValue { get; init; }

    /// <summary>The least root disk it needs, in GiB.</summary>
    public int MinDisk { get; init; }

    /// <summary>The least memory it needs, in MiB.</summary>
    public int MinRam { get; init; }

    /// <summary>
    /// The file: an absolute path that every compute process can read, for an image of the configuration; else a name within the folder of images (<see cref="ImageStoreOptions.Path"/>). Null
    /// before there is one. Not shown to users.
    /// </summary>
    public required string? Location { get; init; }

    /// <summary>The owning tenant; null for an image of the cloud, which everybody sees.</summary>
    public string? ProjectId { get; init; }

    /// <summary>One of <see cref="ImageVisibilities"/>.</summary>
    public string Visibility { get; init; } = ImageVisibilities.Private;

    /// <summary>Whether it is kept from deletion.</summary>
    public bool Protected { get; init; }

    /// <summary>Whether it is left out of lists that do not ask for hidden images.</summary>
    public bool OsHidden { get; init; }

    /// <summary>The user's tags, each once.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>The tenants a shared image is shown to.</summary>
    public IReadOnlyList<ImageMember> Members { get; init; } = [];

    /// <summary>The user's metadata: the Image API's additional properties.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>The bytes that are coming in; null at rest.</summary>
    public ImageUpload? Upload { get; init; }

    /// <summary>The server whose disk is to be written to it, by its UUID; null for what users upload. Without bytes and without that work on the server, it never will be an image.</summary>
    public string? SnapshotOf { get; init; }
}

/// <summary>A tenant that an image is shared with.</summary>
/// <param name="ProjectId">The tenant's id.</param>
/// <param name="Status"><c>pending</c>, <c>accepted</c> (then it is in the tenant's list) or <c>rejected</c>.</param>
/// <param name="CreatedAt">Since when (UTC).</param>
/// <param name="UpdatedAt">When the status was last said (UTC).</param>
public sealed record ImageMember(string ProjectId, string Status, DateTime CreatedAt, DateTime UpdatedAt);

/// <summary>Bytes on their way into an image. Whoever finds it ended may take over from the start.</summary>
/// <param name="Id">Names the file they go to.</param>
/// <param name="Owner">On whose behalf. The same owner takes its own upload over at once: it is the second run of the same work.</param>
/// <param name="Process">The process that takes them in.</param>
/// <param name="ExpiresAt">Until when that process is believed to be alive (UTC); moved on while it works.</param>
public sealed record ImageUpload(string Id, string Owner, string Process, DateTime ExpiresAt);
