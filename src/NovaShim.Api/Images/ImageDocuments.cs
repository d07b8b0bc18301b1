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

    /// <summary>The server it was made of.</summary>
    public ImageServer? Server { get; init; }

    /// <summary>Length in bytes.</summary>
    [JsonPropertyName("OS-EXT-IMG-SIZE:size")]
    public long? Size { get; init; }
}

/// <summary>The server an image was made of.</summary>
internal sealed record ImageServer(string Id, IReadOnlyList<Link> Links);

/// <summary>One image.</summary>
internal sealed record ImageEnvelope(ImageView Image);

/// <summary>A page of images.</summary>
internal sealed record ImagesEnvelope(IReadOnlyList<ImageView> Images, IReadOnlyList<Link>? ImagesLinks);
