using System.Text.Json.Nodes;
using System.Xml;
using System.Xml.Linq;

namespace NovaShim.Api.Tests.Spec;

/// <summary>A body in JSON as clients of v1.1 write it in XML: scalars as attributes, metadata as meta elements.</summary>
internal static class XmlForm
{
    private static readonly XNamespace Compute = "http://docs.openstack.org/compute/api/v1.1";

    /// <summary>The document. <paramref name="change"/> may give a scalar another text.</summary>
    public static string Of(JsonNode body, Func<string, string>? change = null)
    {
        var (name, value) = body is JsonObject { Count: > 0 } members ? (members.First().Key, members.First().Value) : ("body", body);
        return Element(name, value, change ?? (text => text)).ToString(SaveOptions.DisableFormatting);
    }

    private static XElement Element(string name, JsonNode? value, Func<string, string> change)
    {
        var element = new XElement(Compute + NameOf(name));
        switch (value)
        {
            case JsonObject meta when name is "metadata":
                element.Add(meta.Select(m => new XElement(Compute + "meta", new XAttribute("key", Safe(m.Key)), Safe(m.Value?.ToString() ?? ""))));
                break;
            case JsonObject members:
                foreach (var (key, member) in members)
                {
                    if (member is JsonObject or JsonArray)
                    {
                        element.Add(Element(key, member, change));
                    }
                    else
                    {
                        element.SetAttributeValue(NameOf(key), Safe(change(member?.ToString() ?? "")));
                    }
                }

                break;
            case JsonArray items:
                element.Add(items.Select(i => Element(name.EndsWith('s') ? name[..^1] : name + "_item", i, change)));
                break;
            case not null:
                element.Value = Safe(change(value.ToString()));
                break;
        }

        return element;
    }

    private static string NameOf(string name) => XmlConvert.EncodeLocalName(name.Length == 0 ? "_" : name);

    private static string Safe(string text) => string.Concat(text.Where(XmlConvert.IsXmlChar));
}
