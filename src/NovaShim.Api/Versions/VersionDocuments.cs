using System.Text.Json.Serialization;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Versions;

/// <summary>A version of an API as discovery shows it.</summary>
internal sealed record VersionDocument
{
    /// <summary><c>v1.1</c>, <c>v2.0</c>, <c>v2.1</c>.</summary>
    public required string Id { get; init; }

    /// <summary><c>CURRENT</c> or <c>SUPPORTED</c>.</summary>
    public required string Status { get; init; }

    /// <summary>The newest microversion; "" where there are none. Clients take an absent one for "" and a present one for a promise.</summary>
    public string Version { get; init; } = "";

    /// <summary>The oldest microversion. Always there when <see cref="Version"/> is: today's client fails without it.</summary>
    public string MinVersion { get; init; } = "";

    /// <summary>When this version of the API was last changed.</summary>
    public required string Updated { get; init; }

    /// <summary>Where it is.</summary>
    public required IReadOnlyList<Link> Links { get; init; }

    /// <summary>The formats it speaks; left out of lists.</summary>
    [JsonPropertyName("media-types")]
    public IReadOnlyList<MediaTypeDocument>? MediaTypes { get; init; }
}

/// <summary>A format a version speaks.</summary>
/// <param name="Base">The plain name.</param>
/// <param name="Type">The vendor's name.</param>
internal sealed record MediaTypeDocument(string Base, string Type);

/// <summary>The list of versions.</summary>
internal sealed record VersionsEnvelope(IReadOnlyList<VersionDocument> Versions);

/// <summary>One version.</summary>
internal sealed record VersionEnvelope(VersionDocument Version);

/// <summary>A version at which the path that was asked for would be found.</summary>
internal sealed record ChoiceDocument
{
    /// <summary>The version's id.</summary>
    public required string Id { get; init; }

    /// <summary>Its status.</summary>
    public required string Status { get; init; }

    /// <summary>The path below it.</summary>
    public required IReadOnlyList<Link> Links { get; init; }

    /// <summary>The formats it speaks.</summary>
    [JsonPropertyName("media-types")]
    public required IReadOnlyList<MediaTypeDocument> MediaTypes { get; init; }
}

/// <summary>300 Multiple Choices.</summary>
internal sealed record ChoicesEnvelope(IReadOnlyList<ChoiceDocument> Choices);

/// <summary>Makes the documents of compute's versions.</summary>
internal static class ComputeVersions
{
    private static readonly (Surface Surface, string Path, string Id, string Status, string Microversion, string Updated)[] Known =
    [
        (Surface.V11, "v1.1", "v1.1", "SUPPORTED", "", "2011-01-21T11:33:21Z"),
        (Surface.V2, "v2", "v2.0", "SUPPORTED", "", "2011-01-21T11:33:21Z"),
        (Surface.V21, "v2.1", "v2.1", "CURRENT", Microversion.Only, "2013-07-23T11:33:21Z"),
    ];

    /// <summary>All, as the root lists them: first v2.0, as every Nova since has it; what it no longer has comes last.</summary>
    public static VersionsEnvelope List(ApiRequest request) => new([.. Known.OrderBy(v => v.Surface == Surface.V11).Select(v => Document(request, v.Surface))]);

    /// <summary>One, as its own root shows it.</summary>
    public static VersionEnvelope Show(ApiRequest request, Surface surface)
    {
        var document = Document(request, surface);
        return new VersionEnvelope(document with { MediaTypes = MediaTypes(surface), Links = [.. document.Links, .. DescriptionEndpoints.LinksOf(request, surface)] });
    }

    /// <summary>Where the request's path would be found, by version.</summary>
    public static ChoicesEnvelope Choices(ApiRequest request) => new([.. Known.Select(v => new ChoiceDocument
    {
        Id = v.Id, Status = v.Status, Links = [new Link("self", $"{request.BaseUrl}/{v.Path}{request.EscapedPath}")], MediaTypes = MediaTypes(v.Surface),
    })]);

    private static VersionDocument Document(ApiRequest request, Surface surface)
    {
        var (_, path, id, status, microversion, updated) = Known.Single(v => v.Surface == surface);

        // On its own root v1.1 calls itself current, as it did in its day: clients that log in there look for that.
        var shown = request.Surface == surface && surface == Surface.V11 ? "CURRENT" : status;
        return new VersionDocument
        {
            Id = id, Status = shown, Version = microversion, MinVersion = microversion, Updated = updated, Links = [new Link("self", $"{request.BaseUrl}/{path}/")],
        };
    }

    private static IReadOnlyList<MediaTypeDocument> MediaTypes(Surface surface) =>
        surface == Surface.V11
            ? [new("application/xml", "application/vnd.openstack.compute-v1.1+xml"), new("application/json", "application/vnd.openstack.compute-v1.1+json")]
            : [new("application/json", surface == Surface.V21 ? "application/vnd.openstack.compute+json;version=2.1" : "application/vnd.openstack.compute-v1.1+json")];
}
