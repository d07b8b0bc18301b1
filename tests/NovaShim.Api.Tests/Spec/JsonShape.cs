using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace NovaShim.Api.Tests.Spec;

/// <summary>What of a document is not as a schema says, for the words of JSON Schema that the description uses.</summary>
internal static class JsonShape
{
    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "$ref", "oneOf", "anyOf", "enum", "const", "type", "pattern", "items", "required", "properties", "additionalProperties", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
        "minProperties", "maxProperties", "description", "format", "default", "example", "title", "nullable", "uniqueItems", "deprecated",
    };

    /// <summary>The mismatches, each with its place; none when all is well.</summary>
    public static IEnumerable<string> Mismatches(JsonNode spec, JsonNode schema, JsonNode? node, string at)
    {
        if (schema is not JsonObject rules)
        {
            return schema.GetValue<bool>() ? [] : [$"{at}: is not described"];
        }

        if (rules.FirstOrDefault(r => !Known.Contains(r.Key)).Key is { } unknown)
        {
            return [$"{at}: the description says {unknown}, which is not checked"];
        }

        if (schema["$ref"] is { } reference)
        {
            return Mismatches(spec, Resolve(spec, reference.GetValue<string>()), node, at);
        }

        if ((schema["oneOf"] ?? schema["anyOf"]) is JsonArray choices)
        {
            var tried = choices.Select(c => Mismatches(spec, c!, node, at).ToList()).ToList();
            return tried.Any(t => t.Count == 0) ? [] : [$"{at}: none of the forms ({string.Join(" | ", tried.Select(t => t[0]))})"];
        }

        var found = new List<string>();
        if (schema["enum"] is JsonArray values && !values.Any(v => JsonNode.DeepEquals(v, node)))
        {
            found.Add($"{at}: {node} is not among the values");
        }

        if (schema["const"] is { } constant && !JsonNode.DeepEquals(constant, node))
        {
            found.Add($"{at}: {node} is not {constant}");
        }

        if (schema["type"] is { } type && !(type is JsonArray several ? several.Select(t => t!.GetValue<string>()) : [type.GetValue<string>()]).Any(t => IsOfType(t, node)))
        {
            found.Add($"{at}: not of type {type.ToJsonString()}");
            return found;
        }

        found.AddRange(Bounds(schema, node, at));
        switch (node)
        {
            case JsonArray items when schema["items"] is { } item:
                found.AddRange(items.SelectMany((n, index) => Mismatches(spec, item, n, $"{at}[{index}]")));
                break;
            case JsonObject members:
                found.AddRange((schema["required"] as JsonArray ?? []).Where(r => !members.ContainsKey(r!.GetValue<string>())).Select(r => $"{at}: lacks {r}"));
                found.AddRange(members.SelectMany(m => (schema["properties"]?[m.Key] ?? schema["additionalProperties"]) is { } inner ? Mismatches(spec, inner, m.Value, $"{at}.{m.Key}") : []));
                break;
        }

        return found;
    }

    /// <summary>What a reference within the description stands for.</summary>
    public static JsonNode Resolve(JsonNode spec, string reference) => reference.Split('/')[1..].Aggregate(spec, (node, step) => node[step] ?? throw new InvalidOperationException($"{reference} leads nowhere."));

    private static IEnumerable<string> Bounds(JsonNode schema, JsonNode? node, string at)
    {
        if (node is JsonValue && node.GetValueKind() == JsonValueKind.String)
        {
            var text = node.GetValue<string>();
            if (schema["pattern"] is { } pattern && !Regex.IsMatch(text, pattern.GetValue<string>(), RegexOptions.NonBacktracking))
            {
                yield return $"{at}: {text} does not match {pattern}";
            }

            if (text.Length < Bound(schema, "minLength", 0) || text.Length > Bound(schema, "maxLength", double.MaxValue))
            {
                yield return $"{at}: {text.Length} characters";
            }
        }

        if (node is JsonValue && node.GetValueKind() == JsonValueKind.Number && double.Parse(node.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture) is var number
            && (number < Bound(schema, "minimum", double.MinValue) || number > Bound(schema, "maximum", double.MaxValue)))
        {
            yield return $"{at}: {number} is out of bounds";
        }

        if (node is JsonObject members && (members.Count < Bound(schema, "minProperties", 0) || members.Count > Bound(schema, "maxProperties", double.MaxValue)))
        {
            yield return $"{at}: {members.Count} members";
        }

        if (node is JsonArray items && (items.Count < Bound(schema, "minItems", 0) || items.Count > Bound(schema, "maxItems", double.MaxValue)))
        {
            yield return $"{at}: {items.Count} items";
        }
    }

    private static double Bound(JsonNode schema, string name, double without) => schema[name] is { } bound ? bound.GetValue<double>() : without;

    private static bool IsOfType(string type, JsonNode? node) => type switch
    {
        "null" => node is null,
        "object" => node is JsonObject,
        "array" => node is JsonArray,
        "string" => node?.GetValueKind() == JsonValueKind.String,
        "boolean" => node?.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
        "integer" => node is JsonValue value && value.TryGetValue<long>(out _),
        "number" => node?.GetValueKind() == JsonValueKind.Number,
        _ => throw new InvalidOperationException($"There is no type {type}."),
    };
}
