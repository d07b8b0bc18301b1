using System.Text.Json;
using System.Text.Json.Serialization;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images.External;

/// <summary>What is read of an image that Glance shows.</summary>
internal sealed record ExternalImage
{
    public string Id { get; set; } = "";

    public string? Name { get; set; }

    public string Status { get; set; } = "";

    public string? DiskFormat { get; set; }

    public string? ContainerFormat { get; set; }

    public long? Size { get; set; }

    public long? VirtualSize { get; set; }

    public string? Checksum { get; set; }

    public string? OsHashAlgo { get; set; }

    public string? OsHashValue { get; set; }

    public int? MinDisk { get; set; }

    public int? MinRam { get; set; }

    public string? Owner { get; set; }

    public string? Visibility { get; set; }

    public bool? Protected { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    public DateTimeOffset? UpdatedAt { get; set; }

    /// <summary>Everything else: Glance's other fields, and the additional properties.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }

    /// <summary>The image as the rest of the program knows images. It is nowhere in the store.</summary>
    public ImageDocument ToDocument() => new()
    {
        Key = Id, Uuid = Id, Name = Name ?? "", DiskFormat = DiskFormat, ContainerFormat = ContainerFormat, Location = null, Size = Size ?? 0, VirtualSize = VirtualSize, Checksum = Checksum,
        Status = Status switch { "importing" or "uploading" => ImageStatuses.Saving, _ => Status },

        // The digest that everything here computes is the one that Glance computes where nobody has set another.
        OsHashValue = OsHashAlgo == "sha512" ? OsHashValue : null,
        MinDisk = MinDisk ?? 0, MinRam = MinRam ?? 0, ProjectId = Owner, Visibility = Visibility ?? ImageVisibilities.Private, Protected = Protected ?? false,
        CreatedAt = CreatedAt.UtcDateTime, UpdatedAt = UpdatedAt?.UtcDateTime,
        Metadata = (Others ?? []).Where(p => !GlanceFields.IsField(p.Key) && p.Value.ValueKind is JsonValueKind.String or JsonValueKind.Null).ToDictionary(p => p.Key, p => p.Value.GetString() ?? "", StringComparer.Ordinal),
    };
}

/// <summary>A page of images, and where the next one is.</summary>
internal sealed record ExternalImages(IReadOnlyList<ExternalImage>? Images, string? Next);

/// <summary>A change of an image.</summary>
/// <param name="Op"><c>add</c>, <c>replace</c> or <c>remove</c>.</param>
/// <param name="Path">The field, as a JSON pointer.</param>
/// <param name="Value">What to; null for a removal.</param>
internal sealed record ExternalChange(string Op, string Path, JsonElement? Value)
{
    /// <summary>Sets a field, whether it is there or not.</summary>
    public static ExternalChange To(string field, string value) => new("add", PathOf(field), JsonSerializer.SerializeToElement(value, ExternalJson.Default.String));

    /// <summary>Sets a field to a boolean.</summary>
    public static ExternalChange To(string field, bool value) => new("add", PathOf(field), JsonSerializer.SerializeToElement(value, ExternalJson.Default.Boolean));

    /// <summary>Takes a field away.</summary>
    public static ExternalChange Without(string field) => new("remove", PathOf(field), null);

    /// <summary>A field's pointer.</summary>
    private static string PathOf(string field) => "/" + field.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}

/// <summary>Why Glance refuses something.</summary>
internal sealed record ExternalRefusal(string? Message);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ExternalImage))]
[JsonSerializable(typeof(ExternalImages))]
[JsonSerializable(typeof(ExternalRefusal))]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(IReadOnlyList<ExternalChange>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, JsonElement>))]
internal sealed partial class ExternalJson : JsonSerializerContext;
