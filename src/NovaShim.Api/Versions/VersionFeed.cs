using System.Xml;
using NovaShim.Api.Representations;

namespace NovaShim.Api.Versions;

/// <summary>Versions as an Atom feed: an entry for each, and the feed's own id is where it was asked for.</summary>
internal static class VersionFeed
{
    /// <summary>The feed of a version document or list; null when the document is neither.</summary>
    public static byte[]? Write(object? body) => body switch
    {
        VersionsEnvelope list => Write("Available API Versions", list.Versions[0].Links[0].Href.TrimEnd('/') is var first ? first[..(first.LastIndexOf('/') + 1)] : "", list.Versions),
        VersionEnvelope one => Write("About This Version", one.Version.Links[0].Href, [one.Version]),
        _ => null,
    };

    private static byte[] Write(string title, string id, IReadOnlyList<VersionDocument> versions) => XmlAnswers.Write(xml =>
    {
        xml.WriteStartElement("feed", XmlAnswers.Atom);
        Title(xml, title);
        Element(xml, "updated", versions.Select(v => v.Updated).Max(StringComparer.Ordinal)!);
        Element(xml, "id", id);
        xml.WriteStartElement("author", XmlAnswers.Atom);
        Element(xml, "name", "NovaShim");
        xml.WriteEndElement();
        Link(xml, id);
        foreach (var version in versions)
        {
            xml.WriteStartElement("entry", XmlAnswers.Atom);
            Element(xml, "id", version.Links[0].Href);
            Title(xml, $"Version {version.Id}");
            Element(xml, "updated", version.Updated);
            Link(xml, version.Links[0].Href);
            xml.WriteStartElement("content", XmlAnswers.Atom);
            xml.WriteAttributeString("type", "text");
            xml.WriteString($"Version {version.Id} {version.Status} ({version.Updated})");
            xml.WriteEndElement();
            xml.WriteEndElement();
        }

        xml.WriteEndElement();
    });

    private static void Element(XmlWriter xml, string name, string text) => xml.WriteElementString(name, XmlAnswers.Atom, XmlAnswers.Clean(text));

    private static void Title(XmlWriter xml, string text)
    {
        xml.WriteStartElement("title", XmlAnswers.Atom);
        xml.WriteAttributeString("type", "text");
        xml.WriteString(text);
        xml.WriteEndElement();
    }

    private static void Link(XmlWriter xml, string href)
    {
        xml.WriteStartElement("link", XmlAnswers.Atom);
        xml.WriteAttributeString("rel", "self");
        xml.WriteAttributeString("href", href);
        xml.WriteEndElement();
    }
}
