using System.Text.Json;
using System.Text.Json.Nodes;

namespace NovaShim.Fuzz.Tests;

/// <summary>A place in a body.</summary>
/// <param name="Steps">Names and indexes from the root.</param>
internal sealed record Place(IReadOnlyList<object> Steps)
{
    /// <summary>The last name on the way: what a fault about this place has to speak of.</summary>
    public string Field => Steps.OfType<string>().LastOrDefault() ?? "";

    public override string ToString() => string.Join('.', Steps);
}

/// <summary>Bodies that are valid but in one place.</summary>
internal static class Mutation
{
    private const string Mark = "\"@@here@@\"";

    /// <summary>Every place of a body, the root not among them.</summary>
    public static IEnumerable<Place> Places(JsonNode? node, IReadOnlyList<object>? above = null)
    {
        above ??= [];
        IEnumerable<(object Step, JsonNode? Node)> children = node switch
        {
            JsonObject members => members.Select(m => ((object)m.Key, m.Value)),
            JsonArray items => items.Select((n, index) => ((object)index, n)),
            _ => [],
        };
        foreach (var (step, child) in children)
        {
            List<object> steps = [.. above, step];
            yield return new Place(steps);
            foreach (var inner in Places(child, steps))
            {
                yield return inner;
            }
        }
    }

    /// <summary>What is at a place.</summary>
    public static JsonNode? At(JsonNode body, Place place) => place.Steps.Aggregate((JsonNode?)body, (node, step) => step is int index ? node![index] : node![(string)step]);

    /// <summary>The body with raw JSON in one place: raw, because half a character or a number without end survives no tree.</summary>
    public static string Replace(JsonNode body, Place place, string raw)
    {
        var copy = body.DeepClone();
        var node = copy;
        foreach (var step in place.Steps.SkipLast(1))
        {
            node = step is int index ? node![index] : node![(string)step];
        }

        if (place.Steps[^1] is int last)
        {
            node![last] = "@@here@@";
        }
        else
        {
            node![(string)place.Steps[^1]] = "@@here@@";
        }

        return Encoded(copy).Replace(Mark, raw, StringComparison.Ordinal);
    }

    /// <summary>A body changed in one place or two: a value, a name, a member too many or one there twice.</summary>
    public static string Random(Random random, JsonNode body)
    {
        var places = Places(body).ToList();
        if (places.Count == 0)
        {
            return Hostile.Pick(random, Hostile.Values);
        }

        var place = Hostile.Pick(random, places);
        switch (random.Next(6))
        {
            case 0 when place.Steps[^1] is string name:
                return Replace(body, place, "@@").Replace($"\"{name}\":@@", $"{Hostile.Pick(random, Hostile.Values.Where(v => v[0] == '"').ToList())}:1", StringComparison.Ordinal);
            case 1 when place.Steps[^1] is string name:
                return Replace(body, place, $"1,\"{name}\":{{}}");
            case 2 when place.Steps[^1] is string:
                return Replace(body, place, $"1,\"unheard-of\":{Hostile.Pick(random, Hostile.Values)}");
            case 3:
                return Replace(body, place, Hostile.Tree(random, random.Next(1, 40))?.ToJsonString() ?? "null");
            default:
                return Replace(body, place, Hostile.Pick(random, Hostile.Values));
        }
    }

    /// <summary>Bytes of a text with some of them changed, doubled or cut off.</summary>
    public static byte[] Scratch(Random random, byte[] bytes)
    {
        var scratched = bytes.ToList();
        for (var times = random.Next(1, 4); times > 0 && scratched.Count > 0; times--)
        {
            var at = random.Next(scratched.Count);
            switch (random.Next(4))
            {
                case 0:
                    scratched[at] = (byte)random.Next(256);
                    break;
                case 1:
                    scratched.RemoveRange(at, scratched.Count - at);
                    break;
                case 2:
                    scratched.InsertRange(at, scratched.Skip(at).Take(random.Next(1, 20)).ToList());
                    break;
                default:
                    scratched.RemoveAt(at);
                    break;
            }
        }

        return [.. scratched];
    }

    private static string Encoded(JsonNode node) => node.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
