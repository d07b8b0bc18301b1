using System.Globalization;
using System.Text;
using System.Xml;

namespace NovaShim.XenServerSimulator.XenApi.Wire;

/// <summary>
/// XML-RPC as XenServer speaks it: strings carry no type tag, integers are decimal strings, and a failure is a struct with the Status
/// <c>Failure</c>, never a fault.
/// </summary>
internal static class XmlRpc
{
    private static readonly XmlReaderSettings Strict = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        IgnoreComments = true,
        IgnoreWhitespace = false,
        IgnoreProcessingInstructions = true,
    };

    /// <summary>Reads a methodCall.</summary>
    /// <exception cref="MalformedCallException">The body is not XML-RPC.</exception>
    public static (string Method, IReadOnlyList<object?> Parameters) ReadCall(string body)
    {
        try
        {
            CheckDepth(body);
            XmlDocument document = new() { XmlResolver = null, PreserveWhitespace = true };
            using XmlReader reader = XmlReader.Create(new StringReader(body), Strict);
            document.Load(reader);
            XmlElement call = document.DocumentElement is { Name: "methodCall" } root ? root : throw new MalformedCallException("not a methodCall");
            string method = Child(call, "methodName").InnerText.Trim();
            List<object?> parameters = [];
            if (call["params"] is { } given)
            {
                foreach (XmlElement parameter in given.ChildNodes.OfType<XmlElement>())
                {
                    parameters.Add(ReadValue(Child(parameter, "value"), 0));
                }
            }

            return (method, parameters);
        }
        catch (XmlException error)
        {
            throw new MalformedCallException(error.Message);
        }
    }

    public static string WriteResponse(object? value)
    {
        StringBuilder text = new();
        using (XmlWriter writer = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true, CheckCharacters = false }))
        {
            writer.WriteStartElement("methodResponse");
            writer.WriteStartElement("params");
            writer.WriteStartElement("param");
            WriteValue(writer, value);
            writer.WriteEndElement();
            writer.WriteEndElement();
            writer.WriteEndElement();
        }

        return "<?xml version=\"1.0\"?>" + text;
    }

    /// <summary>The <c>&lt;value&gt;</c> element alone, as a task keeps its result.</summary>
    public static string WriteValue(object? value)
    {
        StringBuilder text = new();
        using (XmlWriter writer = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true, CheckCharacters = false }))
        {
            WriteValue(writer, value);
        }

        return text.ToString();
    }

    /// <summary>What is nested by the thousand would end in a stack that overflows, and with it the process.</summary>
    private static void CheckDepth(string body)
    {
        using XmlReader reader = XmlReader.Create(new StringReader(body), Strict);
        while (reader.Read())
        {
            if (reader.Depth > 200)
            {
                throw new MalformedCallException("elements are nested too deeply");
            }
        }
    }

    private static object? ReadValue(XmlElement value, int depth)
    {
        if (depth > 32)
        {
            throw new MalformedCallException("values are nested too deeply");
        }

        XmlElement? typed = value.ChildNodes.OfType<XmlElement>().FirstOrDefault();
        return typed?.Name switch
        {
            null => value.InnerText,
            "string" => typed.InnerText,
            "int" or "i4" or "i8" => long.TryParse(typed.InnerText.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
                ? number
                : throw new MalformedCallException($"not an integer: {typed.InnerText}"),
            "double" => double.TryParse(typed.InnerText.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double real)
                ? real
                : throw new MalformedCallException($"not a number: {typed.InnerText}"),
            "boolean" => typed.InnerText.Trim() is "1" or "true",
            "dateTime.iso8601" => Values.TryTime(typed.InnerText.Trim(), out DateTime time)
                ? time
                : throw new MalformedCallException($"not a time: {typed.InnerText}"),
            "array" => Child(typed, "data").ChildNodes.OfType<XmlElement>().Select(item => ReadValue(item, depth + 1)).ToArray(),
            "struct" => ReadStruct(typed, depth),
            "nil" => null,
            _ => throw new MalformedCallException($"unknown type {typed.Name}"),
        };
    }

    private static Dictionary<string, object> ReadStruct(XmlElement members, int depth)
    {
        Dictionary<string, object> map = new(StringComparer.Ordinal);
        foreach (XmlElement member in members.ChildNodes.OfType<XmlElement>())
        {
            map[Child(member, "name").InnerText] = ReadValue(Child(member, "value"), depth + 1)!;
        }

        return map;
    }

    private static XmlElement Child(XmlElement parent, string name) =>
        parent[name] ?? throw new MalformedCallException($"{parent.Name} without {name}");

    private static void WriteValue(XmlWriter writer, object? value)
    {
        writer.WriteStartElement("value");
        switch (value)
        {
            case null:
                writer.WriteString("");
                break;
            case string text:
                writer.WriteString(Printable(text));
                break;
            case long number:
                writer.WriteString(number.ToString(CultureInfo.InvariantCulture));
                break;
            case int count:
                writer.WriteElementString("i4", count.ToString(CultureInfo.InvariantCulture));
                break;
            case double real:
                writer.WriteElementString("double", real.ToString("G16", CultureInfo.InvariantCulture));
                break;
            case bool flag:
                writer.WriteElementString("boolean", flag ? "1" : "0");
                break;
            case DateTime time:
                writer.WriteElementString("dateTime.iso8601", Values.Text(time));
                break;
            case ValueMap map:
                writer.WriteStartElement("struct");
                foreach ((string key, object item) in map)
                {
                    writer.WriteStartElement("member");
                    writer.WriteElementString("name", Printable(key));
                    WriteValue(writer, item);
                    writer.WriteEndElement();
                }

                writer.WriteEndElement();
                break;
            case ValueSet set:
                writer.WriteStartElement("array");
                writer.WriteStartElement("data");
                foreach (object item in set)
                {
                    WriteValue(writer, item);
                }

                writer.WriteEndElement();
                writer.WriteEndElement();
                break;
            default:
                throw new InvalidOperationException($"Not an API value: {value.GetType()}");
        }

        writer.WriteEndElement();
    }

    /// <summary>XML 1.0 has no control characters; a client's parser would refuse the whole answer because of one.</summary>
    private static string Printable(string text) =>
        text.All(XmlConvert.IsXmlChar) ? text : string.Concat(text.Select(c => XmlConvert.IsXmlChar(c) || char.IsSurrogate(c) ? c : '\uFFFD'));
}
