using System.Text.Json;

namespace NovaShim.XenServerSimulator.XenApi.Wire;

/// <summary>API values as JSON: integers are numbers, times are strings, a void result is the empty string.</summary>
internal static class JsonValues
{
    public static object? Read(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => json.GetString()!,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number => json.TryGetInt64(out long whole) ? (object)whole : json.GetDouble(),
        JsonValueKind.Array => json.EnumerateArray().Select(Read).ToArray(),
        JsonValueKind.Object => ReadMap(json),
        _ => null,
    };

    public static void Write(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case null:
                writer.WriteStringValue("");
                break;
            case string text:
                writer.WriteStringValue(text);
                break;
            case long number:
                writer.WriteNumberValue(number);
                break;
            case int count:
                writer.WriteNumberValue(count);
                break;
            case double real:
                writer.WriteNumberValue(real);
                break;
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            case DateTime time:
                writer.WriteStringValue(Values.Text(time));
                break;
            case ValueMap map:
                writer.WriteStartObject();
                foreach ((string key, object item) in map)
                {
                    writer.WritePropertyName(key);
                    Write(writer, item);
                }

                writer.WriteEndObject();
                break;
            case ValueSet set:
                writer.WriteStartArray();
                foreach (object item in set)
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            default:
                throw new InvalidOperationException($"Not an API value: {value.GetType()}");
        }
    }

    private static Dictionary<string, object> ReadMap(JsonElement json)
    {
        Dictionary<string, object> map = new(StringComparer.Ordinal);
        foreach (JsonProperty property in json.EnumerateObject())
        {
            map[property.Name] = Read(property.Value)!;
        }

        return map;
    }
}
