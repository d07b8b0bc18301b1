using System.Text.Json.Serialization;

namespace NovaShim.Api.Requests;

/// <summary>A link of a document.</summary>
/// <param name="Rel"><c>self</c>, <c>bookmark</c>, <c>next</c> …</param>
/// <param name="Href">Where it leads, absolute.</param>
/// <param name="Type">The media type, where it is given.</param>
internal sealed record Link(string Rel, string Href, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Type = null);

/// <summary>
/// The links of compute's resources, built from the request's own base: self links carry the version, bookmarks do not; both carry the tenant where the
/// request's path does.
/// </summary>
internal static class Links
{
    /// <summary>self and bookmark.</summary>
    public static IReadOnlyList<Link> Of(ApiRequest request, string collection, string id) => [new("self", Self(request, collection, id)), Bookmark(request, collection, id)];

    /// <summary>The URL with the version.</summary>
    public static string Self(ApiRequest request, string collection, string id) => $"{request.BaseUrl}/{Version(request.Surface)}{Tail(request, collection, id)}";

    /// <summary>The URL without.</summary>
    public static Link Bookmark(ApiRequest request, string collection, string id) => new("bookmark", $"{request.BaseUrl}{Tail(request, collection, id)}");

    private static string Tail(ApiRequest request, string collection, string id) =>
        $"{(request.PathTenant is { } tenant ? "/" + Uri.EscapeDataString(tenant) : "")}/{collection}/{Uri.EscapeDataString(id)}";

    private static string Version(Surface surface) => surface switch
    {
        Surface.V11 => "v1.1",
        Surface.V2 => "v2",
        _ => "v2.1",
    };
}
