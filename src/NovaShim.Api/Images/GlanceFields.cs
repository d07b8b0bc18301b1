using System.Text.Json;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>The fields of an image as the Image API names them: how they are shown, and what may be set to what by whom.</summary>
internal static class GlanceFields
{
    private const int MaxText = 255;
    private const int MaxProperties = 128;
    private const int MaxTags = 128;
    private const int MaxValue = 65_535;

    private static readonly string[] DiskFormats = ["vhd", "raw"];
    private static readonly string[] ContainerFormats = ["bare"];

    private static readonly HashSet<string> ReadOnly = new(StringComparer.Ordinal)
    {
        "id", "owner", "status", "size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value", "created_at", "updated_at", "self", "file", "schema", "direct_url", "locations", "members",
        "upload", "stores", "deleted", "deleted_at",
    };

    private static readonly HashSet<string> Base = new(StringComparer.Ordinal)
    {
        "name", "visibility", "protected", "os_hidden", "container_format", "disk_format", "min_disk", "min_ram", "tags",
    };

    /// <summary>The image as it is shown.</summary>
    public static GlanceImage View(ImageDocument image) => new()
    {
        Id = image.Uuid, Name = image.Name.Length == 0 ? null : image.Name, Status = image.Status, Visibility = ImageShelf.VisibilityOf(image), Protected = image.Protected, OsHidden = image.OsHidden,
        DiskFormat = image.DiskFormat, ContainerFormat = image.ContainerFormat, Size = HasBytes(image) ? image.Size : null, VirtualSize = image.VirtualSize, Checksum = image.Checksum,
        OsHashAlgo = image.OsHashValue is null ? null : "sha512", OsHashValue = image.OsHashValue, MinDisk = image.MinDisk, MinRam = image.MinRam, Owner = image.ProjectId,
        CreatedAt = Texts.Moment(image.CreatedAt), UpdatedAt = Texts.Moment(image.UpdatedAt ?? image.CreatedAt), Tags = image.Tags,
        Self = $"/v2/images/{image.Uuid}", File = $"/v2/images/{image.Uuid}/file",
        Properties = image.Metadata.Count == 0
            ? null
            : image.Metadata.Where(p => !IsField(p.Key)).ToDictionary(p => p.Key, p => JsonSerializer.SerializeToElement(p.Value, ApiJson.Default.String), StringComparer.Ordinal),
    };

    /// <summary>Whether a name is one of the API's own, and no property.</summary>
    public static bool IsField(string name) => Base.Contains(name) || ReadOnly.Contains(name);

    /// <summary>Whether a field is one of the API's own that cannot be taken away.</summary>
    public static bool IsBase(string name) => Base.Contains(name);

    /// <summary>Sets a field or property. A null takes back what may be without a value. Throws a fault that names the field: 400, 403, 413.</summary>
    /// <param name="image">The image so far.</param>
    /// <param name="name">The field's name.</param>
    /// <param name="value">The value, called by its place in the body.</param>
    /// <param name="isAdmin">Whether an administrator asks.</param>
    public static ImageDocument Set(ImageDocument image, string name, BodyField value, bool isAdmin)
    {
        if (ReadOnly.Contains(name) && !(name == "owner" && isAdmin))
        {
            throw Fault.Forbidden($"Attribute '{name}' is read-only.");
        }

        var isNull = value.Element.ValueKind == JsonValueKind.Null;
        return name switch
        {
            "name" => image with { Name = isNull ? "" : Bounded(value) },
            "visibility" => image with { Visibility = Visibility(value, isAdmin) },
            "protected" => image with { Protected = Flag(value) },
            "os_hidden" => image with { OsHidden = Flag(value) },
            "disk_format" => WhileQueued(image, name) with { DiskFormat = isNull ? null : OneOf(value, DiskFormats) },
            "container_format" => WhileQueued(image, name) with { ContainerFormat = isNull ? null : OneOf(value, ContainerFormats) },
            "min_disk" => image with { MinDisk = Count(value) },
            "min_ram" => image with { MinRam = Count(value) },
            "tags" => image with { Tags = Tags(value) },
            "owner" => image with { ProjectId = Bounded(value) },
            _ => SetProperty(image, name, value),
        };
    }

    /// <summary>Takes a property away. Throws a fault: 403 for a field, 409 for what is not there.</summary>
    public static ImageDocument Remove(ImageDocument image, string name)
    {
        if (IsField(name))
        {
            throw Fault.Forbidden($"Property {name} may not be removed.");
        }

        return image.Metadata.ContainsKey(name)
            ? image with { Metadata = image.Metadata.Where(p => p.Key != name).ToDictionary(StringComparer.Ordinal) }
            : throw Fault.Conflict($"Property {name} does not exist.");
    }

    /// <summary>Adds a tag. Throws a 400 or 413.</summary>
    public static ImageDocument AddTag(ImageDocument image, string tag)
    {
        if (tag.Length > MaxText)
        {
            throw Fault.BadRequest($"Invalid input for field/attribute tags: a tag must not be longer than {MaxText} characters.");
        }

        return image.Tags.Contains(tag) ? image : image.Tags.Count < MaxTags ? image with { Tags = [.. image.Tags, tag] } : throw TooMany("tags", MaxTags);
    }

    /// <summary>The fault for more than an image may have.</summary>
    public static FaultException TooMany(string what, int most) => new(413, $"An image may have {most} {what}.");

    private static bool HasBytes(ImageDocument image) => image.Location is not null;

    private static ImageDocument WhileQueued(ImageDocument image, string name) =>
        image.Status == ImageStatuses.Queued ? image : throw Fault.Forbidden($"Attribute {name} can be only replaced for a queued image.");

    private static string Visibility(BodyField value, bool isAdmin)
    {
        var visibility = OneOf(value, ImageVisibilities.All);
        return visibility != ImageVisibilities.Public || isAdmin ? visibility : throw Fault.Forbidden("You are not permitted to publicize an image.");
    }

    private static ImageDocument SetProperty(ImageDocument image, string name, BodyField value)
    {
        if (name.Length is 0 or > MaxText)
        {
            throw Fault.BadRequest($"The name of a property must have 1 to {MaxText} characters.");
        }

        var text = value.Text();
        if (text.Length > MaxValue)
        {
            throw value.Invalid($"it must not be longer than {MaxValue} characters");
        }

        var properties = image.Metadata.ToDictionary(StringComparer.Ordinal);
        properties[name] = text;
        return properties.Count <= MaxProperties ? image with { Metadata = properties } : throw TooMany("properties", MaxProperties);
    }

    private static string Bounded(BodyField value)
    {
        var text = value.Text();
        return text.Length <= MaxText ? text : throw value.Invalid($"it must not be longer than {MaxText} characters");
    }

    private static bool Flag(BodyField value) => value.Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw value.Invalid("a boolean is expected"),
    };

    private static int Count(BodyField value) =>
        value.Element.ValueKind == JsonValueKind.Number && value.Element.TryGetInt32(out var number) && number >= 0 ? number : throw value.Invalid("an integer from 0 to 2147483647 is expected");

    private static string OneOf(BodyField value, IReadOnlyList<string> known) =>
        known.Contains(value.Text()) ? value.Text() : throw value.Invalid($"one of {string.Join(", ", known)} is expected");

    private static IReadOnlyList<string> Tags(BodyField value)
    {
        var tags = value.Items().Select(Bounded).Distinct(StringComparer.Ordinal).ToList();
        return tags.Count <= MaxTags ? tags : throw TooMany("tags", MaxTags);
    }
}
