using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml;
using System.Xml.Linq;
using NovaShim.Api.Faults;

namespace NovaShim.Api.Requests;

/// <summary>
/// Reads a body in XML into the tree that a body in JSON gives: attributes are members, <c>meta</c> elements are metadata, and lists are told by their
/// names. No document type, no entity beyond XML's own; size, depth and the number of names are bounded.
/// </summary>
internal static class XmlBody
{
    private const int MaxNodes = 4096;

    private static readonly HashSet<string> Lists = new(StringComparer.Ordinal) { "personality", "security_groups", "networks", "events" };

    /// <summary>The body's root. Throws a 400 that says where the document is malformed or which element is wrong.</summary>
    public static async Task<BodyField> ReadAsync(Stream body, CancellationToken cancellation)
    {
        // The whole body first: its size is bounded, and the parser then never waits for a slow sender.
        using var memory = new MemoryStream();
        await body.CopyToAsync(memory, cancellation);
        memory.Position = 0;
        try
        {
            Measure(memory);
            memory.Position = 0;
            using var reader = Open(memory);
            var root = XDocument.Load(reader).Root!;
            var tree = new JsonObject { [Decoded(root)] = root.Name.LocalName == "meta" ? Meta([root]) : Value(root, root.Name.LocalName) };
            return new BodyField(JsonSerializer.SerializeToElement(tree, JsonTree.Default.JsonObject), "");
        }
        catch (XmlException malformed)
        {
            throw Fault.BadRequest($"Malformed request body: not XML that is taken here, at line {malformed.LineNumber}, position {malformed.LinePosition}.");
        }
    }

    private static XmlReader Open(Stream stream) => XmlReader.Create(
        stream, new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, IgnoreComments = true, IgnoreProcessingInstructions = true, CloseInput = false });

    /// <summary>Depth and number of names are checked while reading forward, before a tree is made of them.</summary>
    private static void Measure(Stream stream)
    {
        using var reader = Open(stream);
        var nodes = 0;
        while (reader.Read())
        {
            if (reader.Depth > BodyReader.MaxDepth)
            {
                throw Fault.BadRequest($"Malformed request body: it nests deeper than {BodyReader.MaxDepth} elements.");
            }

            if (reader.NodeType == XmlNodeType.Element && (nodes += 1 + reader.AttributeCount) > MaxNodes)
            {
                throw Fault.BadRequest($"Malformed request body: it has more than {MaxNodes} elements and attributes, at element {reader.Name}.");
            }
        }
    }

    private static JsonNode? Value(XElement element, string path)
    {
        var name = element.Name.LocalName;
        if (name == "metadata")
        {
            return Meta(element.Elements());
        }

        if (name == "extra_specs")
        {
            return Named(element, path);
        }

        if (name == "policies")
        {
            return new JsonArray([.. element.Elements().Select(e => JsonValue.Create(e.Value))]);
        }

        if (Lists.Contains(name))
        {
            return new JsonArray([.. element.Elements().Select(e => Item(e, $"{path}.{e.Name.LocalName}"))]);
        }

        var attributes = element.Attributes().Where(a => !a.IsNamespaceDeclaration).ToList();
        if (attributes.Count == 0 && !element.HasElements && element.Value.Length > 0)
        {
            return JsonValue.Create(element.Value);
        }

        var members = new JsonObject();
        foreach (var attribute in attributes)
        {
            Add(members, NameOf(element, attribute), JsonValue.Create(attribute.Value), path);
        }

        foreach (var child in element.Elements())
        {
            Add(members, child.Name.LocalName, Value(child, $"{path}.{child.Name.LocalName}"), path);
        }

        return element.HasElements && element.Nodes().OfType<XText>().Any(t => !string.IsNullOrWhiteSpace(t.Value))
            ? throw Fault.BadRequest($"Invalid input for element {path}: text between its elements.")
            : members;
    }

    /// <summary>An item of a list: its attributes, and its text as a file's contents.</summary>
    private static JsonObject Item(XElement element, string path)
    {
        var item = new JsonObject();
        foreach (var attribute in element.Attributes().Where(a => !a.IsNamespaceDeclaration))
        {
            Add(item, NameOf(element, attribute), JsonValue.Create(attribute.Value), path);
        }

        foreach (var child in element.Elements())
        {
            Add(item, child.Name.LocalName, JsonValue.Create(child.Value), path);
        }

        if (!element.HasElements && element.Value.Length > 0)
        {
            Add(item, "contents", JsonValue.Create(element.Value), path);
        }

        return item;
    }

    private static JsonObject Meta(IEnumerable<XElement> items)
    {
        var metadata = new JsonObject();
        foreach (var item in items)
        {
            if (item.Name.LocalName != "meta" || item.HasElements || item.Attribute("key")?.Value is not { } key)
            {
                throw Fault.BadRequest($"Invalid input for element {item.Name.LocalName}: metadata consists of meta elements with a key and a text.");
            }

            Add(metadata, key, JsonValue.Create(item.Value), "metadata");
        }

        return metadata;
    }

    /// <summary>Values by the names of their elements. What an element cannot be called is written in XML's escapes.</summary>
    private static JsonObject Named(XElement element, string path)
    {
        var values = new JsonObject();
        foreach (var child in element.Elements())
        {
            var name = Decoded(child);
            Add(values, name, child.HasElements ? throw Fault.BadRequest($"Invalid input for element {path}.{name}: a text is expected.") : JsonValue.Create(child.Value), path);
        }

        return values;
    }

    /// <summary>An element's name without XML's escapes. What is no text then, half a character say, is refused.</summary>
    private static string Decoded(XElement element) =>
        XmlConvert.DecodeName(element.Name.LocalName) is var name && name.EnumerateRunes().Contains(Rune.ReplacementChar)
            ? throw Fault.BadRequest($"Invalid input for element {element.Name.LocalName}: its name is not well-formed Unicode.")
            : name;

    private static void Add(JsonObject members, string name, JsonNode? value, string path)
    {
        if (!members.TryAdd(name, value))
        {
            throw Fault.BadRequest($"Invalid input for element {path}: {name} is there twice.");
        }
    }

    /// <summary>Keys of extensions carry their alias, which is the prefix that the document binds.</summary>
    private static string NameOf(XElement element, XAttribute attribute) => attribute.Name.Namespace == XNamespace.None
        ? attribute.Name.LocalName
        : $"{element.GetPrefixOfNamespace(attribute.Name.Namespace)}:{attribute.Name.LocalName}";
}
