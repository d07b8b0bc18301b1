using System.Text.Json.Serialization;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Images;

/// <summary>An image as compute shows it; everything but id, name and links is left out of the short list.</summary>
internal sealed record ImageView
{
    /// <summary>The image's UUID.</summary>
    public required string Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>self and bookmark.</summary>
    public required IReadOnlyList<Link> Links { get; init; }

    /// <summary><c>ACTIVE</c>, <c>SAVING</c> …</summary>
    public string? Status { get; init; }

    /// <summary>0 to 100.</summary>
    public int? Progress { get; init; }

    /// <summary>The least root disk in GiB.</summary>
    [JsonPropertyName("minDisk")]
    public int? MinDisk { get; init; }

    /// <summary>The least memory in MiB.</summary>
    [JsonPropertyName("minRam")]
    public int? MinRam { get; init; }

    /// <summary>When it was made.</summary>
    public string? Created { get; init; }

    /// <summary>When it was last changed.</summary>
    public string? Updated { get; init; }

    /// <summary>Its metadata.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>Length in bytes.</summary>
    [JsonPropertyName("OS-EXT-IMG-SIZE:size")]
    public long? Size { get; init; }
}

/// <summary>One image.</summary>
internal sealed record ImageEnvelope(ImageView Image);

/// <summary>A page of images.</summary>
internal sealed record ImagesEnvelope(IReadOnlyList<ImageView> Images, IReadOnlyList<Link>? ImagesLinks);

/// <summary>An image as the Image API v2 shows it.</summary>
internal sealed record GlanceImage
{
    /// <summary>The image's UUID.</summary>
    public required string Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary><c>active</c> when it can be booted.</summary>
    public required string Status { get; init; }

    /// <summary><c>public</c> or <c>private</c>.</summary>
    public required string Visibility { get; init; }

    /// <summary>Whether it is kept from deletion.</summary>
    public bool Protected { get; init; }

    /// <summary>Always <c>bare</c>.</summary>
    public string ContainerFormat { get; init; } = "bare";

    /// <summary><c>vhd</c> or <c>raw</c>.</summary>
    public required string DiskFormat { get; init; }

    /// <summary>Length in bytes.</summary>
    public long Size { get; init; }

    /// <summary>The least root disk in GiB.</summary>
    public int MinDisk { get; init; }

    /// <summary>The least memory in MiB.</summary>
    public int MinRam { get; init; }

    /// <summary>The owning tenant.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Owner { get; init; }

    /// <summary>When it was made.</summary>
    public required string CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    public required string UpdatedAt { get; init; }

    /// <summary>Always empty.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Its path.</summary>
    public required string Self { get; init; }

    /// <summary>Its file's path.</summary>
    public required string File { get; init; }

    /// <summary>Its schema's path.</summary>
    public string Schema { get; init; } = "/v2/schemas/image";
}

/// <summary>A page of images.</summary>
internal sealed record GlanceImagesEnvelope(IReadOnlyList<GlanceImage> Images, string First, string? Next, string Schema);

/// <summary>A version of the Image API.</summary>
internal sealed record GlanceVersion(string Id, string Status, IReadOnlyList<Link> Links);

/// <summary>The versions of the Image API.</summary>
internal sealed record GlanceVersionsEnvelope(IReadOnlyList<GlanceVersion> Versions);
