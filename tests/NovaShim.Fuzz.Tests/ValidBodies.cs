using System.Text.Json.Nodes;
using NovaShim.Api.Tests;
using NovaShim.Api.Tests.Spec;

namespace NovaShim.Fuzz.Tests;

/// <summary>Bodies that routes take, made of the schemas that <c>api-spec</c> has for them, so that a new route or a new field is fuzzed as soon as it is described.</summary>
internal static class ValidBodies
{
    private const int MaxDepth = 8;

    /// <summary>At least one for each form the body of a route may have; none for a route that has no body.</summary>
    public static IReadOnlyList<JsonNode> Of(FuzzedRoute route, Scene scene)
    {
        if (route.Pattern.EndsWith("/auth/tokens", StringComparison.Ordinal) && route.Method == "POST")
        {
            return
            [
                Face.PasswordBody("alice", "alice's secret", new JsonObject { ["project"] = new JsonObject { ["name"] = "alpha", ["domain"] = new JsonObject { ["id"] = "default" } } }),
                Face.PasswordBody("alice", "wrong", new JsonObject { ["project"] = new JsonObject { ["id"] = scene.Tenants["alice"] } }),
                new JsonObject { ["auth"] = new JsonObject { ["identity"] = new JsonObject { ["methods"] = new JsonArray("token"), ["token"] = new JsonObject { ["id"] = scene.Tokens["alice"] } } } },
            ];
        }

        if (route.Pattern.EndsWith("/tokens", StringComparison.Ordinal) && route.Method == "POST")
        {
            return
            [
                JsonNode.Parse("""{"auth": {"passwordCredentials": {"username": "alice", "password": "alice's secret"}, "tenantName": "alpha"}}""")!,
                JsonNode.Parse($$$"""{"auth": {"token": {"id": "{{{scene.Tokens["alice"]}}}"}, "tenantId": "{{{scene.Tenants["alice"]}}}"}}""")!,
            ];
        }

        return ApiDescription.Operation(route.Method, route.Pattern)?["requestBody"]?["content"] is JsonObject content && content.FirstOrDefault(c => c.Key.EndsWith("json", StringComparison.Ordinal)).Value?["schema"] is { } schema
            ? [.. Examples(schema, "", 0).OfType<JsonNode>()]
            : [];
    }

    /// <summary>What meets a schema; for a choice, each of the choices.</summary>
    private static IReadOnlyList<JsonNode?> Examples(JsonNode schema, string name, int depth)
    {
        if (schema is not JsonObject)
        {
            return [JsonValue.Create("any")];
        }

        if (schema["$ref"] is { } reference)
        {
            return Examples(JsonShape.Resolve(ApiDescription.Spec, reference.GetValue<string>()), name, depth);
        }

        if ((schema["oneOf"] ?? schema["anyOf"]) is JsonArray choices)
        {
            return [.. choices.SelectMany(c => Examples(c!, name, depth))];
        }

        if (schema["enum"] is JsonArray values)
        {
            return [values[0]?.DeepClone()];
        }

        if (schema["const"] is { } constant)
        {
            return [constant.DeepClone()];
        }

        var type = schema["type"] is JsonArray several ? several[0]!.GetValue<string>() : schema["type"]?.GetValue<string>();
        return type switch
        {
            "null" => [null],
            "boolean" => [JsonValue.Create(true)],
            "integer" or "number" => [JsonValue.Create(schema["minimum"]?.GetValue<double>() is { } least ? (int)least : 1)],
            "array" => [schema["items"] is { } item && depth < MaxDepth ? new JsonArray(Examples(item, name, depth + 1)[0]?.DeepClone()) : new JsonArray()],
            "object" => Objects(schema, name, depth),
            _ => [JsonValue.Create(Text(name, schema["format"]?.GetValue<string>(), schema["pattern"]?.GetValue<string>()))],
        };
    }

    private static IReadOnlyList<JsonNode?> Objects(JsonNode schema, string name, int depth)
    {
        var members = (schema["properties"] as JsonObject ?? []).ToDictionary(p => p.Key, p => depth < MaxDepth ? Examples(p.Value!, p.Key, depth + 1) : [null]);
        if (schema["additionalProperties"] is JsonObject free)
        {
            members["k"] = Examples(free, name, depth + 1);
        }

        // One key of several, as actions have it: one body for each.
        if (schema["maxProperties"]?.GetValue<int>() == 1)
        {
            return [.. members.SelectMany(m => m.Value.Select(v => new JsonObject { [m.Key] = v?.DeepClone() }))];
        }

        var whole = new JsonObject(members.Select(m => KeyValuePair.Create(m.Key, m.Value[0]?.DeepClone())));
        return [whole, .. members.SelectMany(m => m.Value.Skip(1).Select(v => new JsonObject(whole.Select(w => KeyValuePair.Create(w.Key, w.Key == m.Key ? v?.DeepClone() : w.Value?.DeepClone())))))];
    }

    private static string Text(string name, string? format, string? pattern) => name switch
    {
        "id" => Guid.NewGuid().ToString(),
        _ when format == "uuid" || pattern?.Contains("-[0-9a-f]{12}", StringComparison.Ordinal) == true => Guid.NewGuid().ToString(),
        "flavorRef" or "flavorId" => "2",
        "imageRef" or "imageId" => Face.ImageId,
        "accessIPv4" => "10.0.0.9",
        _ when format == "ip" => "10.0.0.9",
        "accessIPv6" => "::1",
        "min_count" or "max_count" => "1",
        "host" => "xen1",
        "binary" => "nova-compute",
        "contents" => "Zm9v",
        "path" => "/etc/fuzz",
        _ => "fuzz",
    };
}
