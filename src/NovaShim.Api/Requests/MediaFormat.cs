using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace NovaShim.Api.Requests;

/// <summary>The formats the surfaces of 2011 know.</summary>
internal enum MediaFormat
{
    /// <summary>application/json and its vendor names.</summary>
    Json,

    /// <summary>application/xml and its vendor names.</summary>
    Xml,

    /// <summary>application/atom+xml, for version documents alone.</summary>
    Atom,
}

/// <summary>Chooses the format of an answer: by the path's suffix first, then by <c>Accept</c>; JSON where nothing is asked for.</summary>
internal static class MediaFormats
{
    /// <summary>The format a suffix asks for, and the path without it; null when the path has none.</summary>
    public static (string Path, MediaFormat Format)? OfSuffix(string path) =>
        path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? (path[..^5], MediaFormat.Json)
        : path.EndsWith(".xml", StringComparison.OrdinalIgnoreCase) ? (path[..^4], MediaFormat.Xml)
        : path.EndsWith(".atom", StringComparison.OrdinalIgnoreCase) ? (path[..^5], MediaFormat.Atom)
        : null;

    /// <summary>The format <c>Accept</c> prefers; where qualities are equal, JSON before XML before Atom.</summary>
    public static MediaFormat OfAccept(HttpRequest request, bool withAtom)
    {
        var atom = 0.0;
        var xml = 0.0;
        var json = 0.0;
        foreach (var media in request.GetTypedHeaders().Accept ?? [])
        {
            var quality = media.Quality ?? 1.0;
            if (IsAtom(media))
            {
                atom = withAtom ? Math.Max(atom, quality) : atom;
            }
            else if (IsXml(media))
            {
                xml = Math.Max(xml, quality);
            }
            else
            {
                json = Math.Max(json, quality);
            }
        }

        return atom > Math.Max(xml, json) ? MediaFormat.Atom : xml > json ? MediaFormat.Xml : MediaFormat.Json;
    }

    /// <summary>Whether a content type is JSON by one of its names; a body without a type counts as JSON.</summary>
    public static bool IsJson(string? contentType) =>
        string.IsNullOrWhiteSpace(contentType)
        || (MediaTypeHeaderValue.TryParse(contentType, out var media) && !IsXml(media)
            && (media.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase) || media.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase)
                || media.MediaType.Equals("text/plain", StringComparison.OrdinalIgnoreCase)));

    /// <summary>Whether a content type is this one, whatever its parameters.</summary>
    public static bool Is(string? contentType, string expected) =>
        MediaTypeHeaderValue.TryParse(contentType, out var media) && media.MediaType.Equals(expected, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a content type is XML by one of its names.</summary>
    public static bool IsXml(string? contentType) => MediaTypeHeaderValue.TryParse(contentType, out var media) && IsXml(media) && !IsAtom(media);

    private static bool IsAtom(MediaTypeHeaderValue media) => media.MediaType.Equals("application/atom+xml", StringComparison.OrdinalIgnoreCase);

    private static bool IsXml(MediaTypeHeaderValue media) =>
        media.MediaType.Equals("application/xml", StringComparison.OrdinalIgnoreCase) || media.MediaType.Equals("text/xml", StringComparison.OrdinalIgnoreCase)
        || (media.Suffix.HasValue && media.Suffix.Equals("xml", StringComparison.OrdinalIgnoreCase));
}
