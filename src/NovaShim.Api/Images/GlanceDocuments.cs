using System.Text.Json;
using System.Text.Json.Serialization;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Images;

/// <summary>An image as the Image API v2 shows it. What is null is shown as null, as Glance does.</summary>
internal sealed record GlanceImage : IJsonOnly
{
    /// <summary>The image's UUID.</summary>
    public required string Id { get; init; }

    /// <summary>Its name.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Name { get; init; }

    /// <summary><c>active</c> when it can be booted.</summary>
    public required string Status { get; init; }

    /// <summary><c>public</c>, <c>private</c>, <c>shared</c> or <c>community</c>.</summary>
    public required string Visibility { get; init; }

    /// <summary>Whether it is kept from deletion.</summary>
    public bool Protected { get; init; }

    /// <summary>Whether it is left out of lists.</summary>
    public bool OsHidden { get; init; }

    /// <summary><c>bare</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? ContainerFormat { get; init; }

    /// <summary><c>vhd</c> or <c>raw</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? DiskFormat { get; init; }

    /// <summary>Length in bytes; null before there are any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public long? Size { get; init; }

    /// <summary>Size of the disk in it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public long? VirtualSize { get; init; }

    /// <summary>MD5 in hexadecimal.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Checksum { get; init; }

    /// <summary><c>sha512</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? OsHashAlgo { get; init; }

    /// <summary>SHA-512 in hexadecimal.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? OsHashValue { get; init; }

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

    /// <summary>The user's tags.</summary>
    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>Its path.</summary>
    public required string Self { get; init; }

    /// <summary>Its file's path.</summary>
    public required string File { get; init; }

    /// <summary>Its schema's path.</summary>
    public string Schema { get; init; } = "/v2/schemas/image";

    /// <summary>The user's properties, beside the others.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Properties { get; set; }
}

/// <summary>A page of images.</summary>
internal sealed record GlanceImagesEnvelope(IReadOnlyList<GlanceImage> Images, string First, string? Next, string Schema) : IJsonOnly;

/// <summary>A tenant an image is shared with.</summary>
internal sealed record GlanceMember(string ImageId, string MemberId, string Status, string CreatedAt, string UpdatedAt, string Schema = "/v2/schemas/member");

/// <summary>The members of an image.</summary>
internal sealed record GlanceMembersEnvelope(IReadOnlyList<GlanceMember> Members, string Schema = "/v2/schemas/members");

/// <summary>A version of the Image API.</summary>
internal sealed record GlanceVersion(string Id, string Status, IReadOnlyList<Link> Links);

/// <summary>The versions of the Image API.</summary>
internal sealed record GlanceVersionsEnvelope(IReadOnlyList<GlanceVersion> Versions);
