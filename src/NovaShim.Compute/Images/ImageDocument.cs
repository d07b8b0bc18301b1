using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Images;

/// <summary>An image.</summary>
public sealed record ImageDocument : Document
{
    /// <summary>The image's UUID; the same as <see cref="Document.Key"/>.</summary>
    public required string Uuid { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary><c>active</c> when it can be booted.</summary>
    public string Status { get; init; } = "active";

    /// <summary><c>vhd</c> or <c>raw</c>.</summary>
    public required string DiskFormat { get; init; }

    /// <summary>Length of its file in bytes.</summary>
    public long Size { get; init; }

    /// <summary>The least root disk it needs, in GiB.</summary>
    public int MinDisk { get; init; }

    /// <summary>The least memory it needs, in MiB.</summary>
    public int MinRam { get; init; }

    /// <summary>The file, as a path that every compute process can read. Not shown to users.</summary>
    public required string Location { get; init; }

    /// <summary>The owning tenant; null for a public image of the cloud.</summary>
    public string? ProjectId { get; init; }

    /// <summary>The user's metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
}
