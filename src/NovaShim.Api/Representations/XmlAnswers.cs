using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Xml;
using NovaShim.Api.Servers;

namespace NovaShim.Api.Representations;

/// <summary>
/// The documents of v1.1 in XML: scalars are attributes, lists have an element for each item, and metadata, addresses, links and limits have forms of
/// their own, as Nova 2011.3 had them.
/// </summary>
internal static class XmlAnswers
{
    /// <summary>The namespace of v1.1.</summary>
    public const string Namespace = "http://docs.openstack.org/compute/api/v1.1";

    /// <summary>The namespace of links.</summary>
    public const string Atom = "http://www.w3.org/2005/Atom";

    private static readonly XmlWriterSettings Settings = new() { Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false) };

    /// <summary>Extensions whose keys carry their alias as a prefix.</summary>
    private static readonly HashSet<string> Prefixes = new(StringComparer.Ordinal)
    {
        "OS-DCF", "OS-EXT-STS", "OS-EXT-SRV-ATTR", "OS-EXT-IMG-SIZE", "OS-FLV-EXT-DATA", "OS-FLV-DISABLED", "os-flavor-access",
    };

    /// <summary>Scalars that are elements, because they are text for people.</summary>
    private static readonly HashSet<string> Prose = new(StringComparer.Ordinal) { "message", "details", "description", "traceback" };

    /// <summary>Elements all of whose scalars are elements.</summary>
    private static readonly HashSet<string> Flat = new(StringComparer.Ordinal) { "keypair" };

    /// <summary>Objects whose scalars are elements; an id stays an attribute.</summary>
    private static readonly HashSet<string> Elements = new(StringComparer.Ordinal) { "extra_specs", "quota_set", "quota_class_set", "tenant_usage", "server_usage" };

    /// <summary>The order that schemas of the day ask for; what is not named follows.</summary>
    private static readonly string[] Order = ["media-types", "description", "links", "image", "flavor", "metadata", "addresses"];

    /// <summary>A document.</summary>
    public static byte[] Write(object? body, JsonTypeInfo type) => Write(xml =>
    {
        var envelope = JsonSerializer.SerializeToElement(body, type);
        if (body is NetworkEnvelope)
        {
            var (id, addresses) = Single(envelope);
            Network(xml, id, addresses);
            return;
        }

        if (body is IUnwrapped unwrapped)
        {
            Start(xml, unwrapped.XmlName);
            Content(xml, unwrapped.XmlName, envelope);
            xml.WriteEndElement();
            return;
        }

        // Beside its one document an envelope has at most the links to the next page.
        var root = envelope.EnumerateObject().First(p => !p.Name.EndsWith("_links", StringComparison.Ordinal));
        if (root.Name == "meta")
        {
            var (key, value) = Single(root.Value);
            Meta(xml, key, value);
            return;
        }

        Start(xml, root.Name);
        Content(xml, root.Name, root.Value);
        foreach (var links in envelope.EnumerateObject().Where(p => p.Name.EndsWith("_links", StringComparison.Ordinal)))
        {
            Links(xml, links.Value);
        }

        xml.WriteEndElement();
    });

    /// <summary>A fault: <c>&lt;itemNotFound code="404"&gt;&lt;message&gt;…</c>.</summary>
    public static byte[] WriteFault(string name, int code, string message, string? details, string? retryAfter) => Write(xml =>
    {
        Start(xml, name);
        xml.WriteAttributeString("code", XmlConvert.ToString(code));
        xml.WriteElementString("message", Namespace, Clean(message));
        if (details is not null)
        {
            xml.WriteElementString("details", Namespace, Clean(details));
        }

        if (retryAfter is not null)
        {
            xml.WriteElementString("retryAfter", Namespace, retryAfter);
        }

        xml.WriteEndElement();
    });

    /// <summary>Writes one document into memory.</summary>
    public static byte[] Write(Action<XmlWriter> write)
    {
        using var memory = new MemoryStream();
        using (var xml = XmlWriter.Create(memory, Settings))
        {
            write(xml);
        }

        return memory.ToArray();
    }

    /// <summary>A text without the characters that XML has no way to write.</summary>
    public static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            clean.Append(rune.Value > 0xFFFF || XmlConvert.IsXmlChar((char)rune.Value) ? rune.ToString() : "\uFFFD");
        }

        return clean.ToString();
    }

    private static void Start(XmlWriter xml, string name)
    {
        var isRoot = xml.WriteState is WriteState.Start or WriteState.Prolog;
        xml.WriteStartElement(XmlConvert.EncodeLocalName(name), Namespace);
        if (isRoot)
        {
            xml.WriteAttributeString("xmlns", "atom", null, Atom);
        }
    }

    private static void Content(XmlWriter xml, string name, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object when name == "metadata":
                foreach (var item in value.EnumerateObject())
                {
                    Meta(xml, item.Name, item.Value);
                }

                break;
            case JsonValueKind.Object when Elements.Contains(name):
                if (name != "extra_specs" && value.TryGetProperty("id", out var id))
                {
                    Attribute(xml, "id", Text(id));
                }

                foreach (var item in value.EnumerateObject().Where(i => i.Name != "id" || name == "extra_specs"))
                {
                    Start(xml, item.Name);
                    Content(xml, item.Name, item.Value);
                    xml.WriteEndElement();
                }

                break;
            case JsonValueKind.Object when name == "addresses":
                foreach (var network in value.EnumerateObject())
                {
                    Network(xml, network.Name, network.Value);
                }

                break;
            case JsonValueKind.Object when name == "absolute":
                foreach (var limit in value.EnumerateObject())
                {
                    Start(xml, "limit");
                    xml.WriteAttributeString("name", limit.Name);
                    xml.WriteAttributeString("value", Text(limit.Value));
                    xml.WriteEndElement();
                }

                break;
            case JsonValueKind.Object:
                Members(xml, value, Flat.Contains(name));
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                {
                    Start(xml, ItemOf(name));
                    Content(xml, ItemOf(name), InEnvelope(item, ItemOf(name)));
                    xml.WriteEndElement();
                }

                break;
            case JsonValueKind.Null:
                break;
            default:
                xml.WriteString(Text(value));
                break;
        }
    }

    /// <summary>Some lists in JSON have each item in an envelope of its own; XML has not.</summary>
    private static JsonElement InEnvelope(JsonElement item, string name) => item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out var inner) && inner.ValueKind == JsonValueKind.Object ? inner : item;

    private static void Members(XmlWriter xml, JsonElement value, bool flat = false)
    {
        var children = new List<JsonProperty>();
        foreach (var member in value.EnumerateObject())
        {
            if (member.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array || flat || Prose.Contains(member.Name))
            {
                children.Add(member);
            }
            else if (member.Value.ValueKind != JsonValueKind.Null)
            {
                Attribute(xml, member.Name, Text(member.Value));
            }
        }

        foreach (var child in children.OrderBy(c => Array.IndexOf(Order, c.Name) is var place and >= 0 ? place : Order.Length))
        {
            if (child.Name == "links")
            {
                Links(xml, child.Value);
            }
            else if (child is { Name: "limit", Value.ValueKind: JsonValueKind.Array })
            {
                // A rate's limits stand in it as they are.
                foreach (var limit in child.Value.EnumerateArray())
                {
                    Start(xml, child.Name);
                    Members(xml, limit);
                    xml.WriteEndElement();
                }
            }
            else if (child.Value.ValueKind != JsonValueKind.Null)
            {
                var name = child.Name == "rate" ? "rates" : child.Name;
                Start(xml, name);
                Content(xml, name, child.Value);
                xml.WriteEndElement();
            }
        }
    }

    private static void Attribute(XmlWriter xml, string name, string value)
    {
        if (name.Split(':') is [var prefix, var local] && Prefixes.Contains(prefix))
        {
            xml.WriteAttributeString(prefix, local, $"http://docs.openstack.org/compute/ext/{prefix.ToLowerInvariant()}/api/v1.1", value);
            return;
        }

        xml.WriteAttributeString(name switch { "user_id" => "userId", "tenant_id" => "tenantId", _ => XmlConvert.EncodeLocalName(name) }, value);
    }

    private static void Links(XmlWriter xml, JsonElement links)
    {
        foreach (var link in links.EnumerateArray())
        {
            xml.WriteStartElement("atom", "link", Atom);
            Members(xml, link);
            xml.WriteEndElement();
        }
    }

    private static void Meta(XmlWriter xml, string key, JsonElement value)
    {
        Start(xml, "meta");
        xml.WriteAttributeString("key", Clean(key));
        xml.WriteString(Text(value));
        xml.WriteEndElement();
    }

    private static void Network(XmlWriter xml, string id, JsonElement addresses)
    {
        Start(xml, "network");
        xml.WriteAttributeString("id", Clean(id));
        foreach (var address in addresses.EnumerateArray())
        {
            Start(xml, "ip");
            Members(xml, address);
            xml.WriteEndElement();
        }

        xml.WriteEndElement();
    }

    private static (string Name, JsonElement Value) Single(JsonElement element)
    {
        var member = element.EnumerateObject().Single();
        return (member.Name, member.Value);
    }

    private static string ItemOf(string list) => list switch
    {
        "choices" => "version",
        "availabilityZoneInfo" => "availabilityZone",
        "flavor_access" => "access",
        "policies" => "policy",
        "hosts_not_run" => "host",
        _ => list.EndsWith('s') ? list[..^1] : "item",
    };

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? Clean(value.GetString()!) : value.GetRawText();
}
