using System.Text;
using System.Text.Json.Nodes;
using System.Xml.Linq;

namespace NovaShim.Api.Tests.Spec;

/// <summary>An answer as it went over the wire, and the route that gave it.</summary>
/// <param name="Method">The request's.</param>
/// <param name="Path">The request's, for messages.</param>
/// <param name="Pattern">The route's pattern; null when no route was found.</param>
/// <param name="Status">The answer's.</param>
/// <param name="ContentType">The answer's, or null.</param>
/// <param name="Body">The answer's.</param>
internal sealed record WatchedAnswer(string Method, string Path, string? Pattern, int Status, string? ContentType, byte[] Body);

/// <summary>
/// <c>api-spec/openapi.json</c> and <c>faults.json</c> as a judge of answers: a status or a document that they do not describe is a mistake, be it the program's or theirs. XML is judged by the
/// shapes of <c>api-spec/rng</c>.
/// </summary>
internal static class ApiDescription
{
    /// <summary>The roots that <c>{compute}</c> stands for.</summary>
    public static readonly string[] ComputeRoots = ["/v1.1/{tenant_id}", "/v2/{tenant_id}", "/v2.1", "/v2.1/{tenant_id}"];

    /// <summary>The description.</summary>
    public static readonly JsonNode Spec = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "api-spec", "openapi.json")))!;

    private static readonly XNamespace Compute = "http://docs.openstack.org/compute/api/v1.1";
    private static readonly IReadOnlyList<JsonNode> Faults = SpecTable.Rows("faults.json", "faults");

    /// <summary>The description's path of a route's pattern.</summary>
    public static string PathOf(string pattern) => ComputeRoots.OrderByDescending(r => r.Length)
        .Aggregate(pattern, (p, root) => p.StartsWith(root + "/", StringComparison.Ordinal) && !p.StartsWith("/{compute}", StringComparison.Ordinal) ? "/{compute}" + p[root.Length..] : p);

    /// <summary>What is said of a route, or null.</summary>
    public static JsonNode? Operation(string method, string pattern) => Spec["paths"]![PathOf(pattern)]?[method.ToLowerInvariant()];

    /// <summary>What is wrong with an answer; empty when nothing is.</summary>
    public static async Task<IReadOnlyList<string>> JudgeAsync(WatchedAnswer answer)
    {
        var found = new List<string>();
        try
        {
            found.AddRange(answer.Status >= 400 ? Fault(answer) : Success(answer));
            if (answer.Body.Length > 0 && IsXml(answer) && SpeaksXml(answer.Path))
            {
                found.AddRange(await XmlShapes.MismatchesAsync(answer.Body));
            }
        }
        catch (Exception unreadable)
        {
            // Whatever form it has, it is not the described one.
            found.Add($"cannot be read as {answer.ContentType}: {unreadable.Message}");
        }

        return [.. found.Select(f => $"{answer.Method} {answer.Path} → {answer.Status}: {f}\n{Shown(answer.Body)}")];
    }

    /// <summary>The name that the table of faults has for a status on a path's surface.</summary>
    public static string? FaultName(string path, int status) => Faults.FirstOrDefault(f => f["status"]!.GetValue<int>() == status)?[IsLegacy(path) ? "v1.1" : "v2.1"]!.GetValue<string>();

    private static IEnumerable<string> Success(WatchedAnswer answer)
    {
        if (answer.Pattern is null)
        {
            // A path without a version gets choices, whatever it is.
            return answer.Status == 300 ? Content(ChoicesContent, answer) : ["there is no such route"];
        }

        if (Operation(answer.Method, answer.Pattern) is not { } operation)
        {
            return [$"{PathOf(answer.Pattern)} is not described"];
        }

        return operation["responses"]![$"{answer.Status}"] is not { } response ? ["this status is not described"]
            : response["x-may-be-empty"] is not null && answer.Body.Length == 0 ? []
            : Content((response["$ref"] is { } reference ? JsonShape.Resolve(Spec, reference.GetValue<string>()) : response)["content"], answer);
    }

    private static JsonNode ChoicesContent => Spec["components"]!["responses"]!["Choices"]!["content"]!;

    private static IEnumerable<string> Content(JsonNode? described, WatchedAnswer answer)
    {
        if (answer.Body.Length == 0)
        {
            return described is null || answer.Method == "HEAD" || answer.Status == 304 ? [] : ["there is no document, and one is described"];
        }

        if (described is null)
        {
            return ["there is a document, and none is described"];
        }

        var media = answer.ContentType?.Split(';')[0] ?? "";
        if (IsXml(answer) && described["application/json"] is not null && SpeaksXml(answer.Path))
        {
            return [];
        }

        return described[media] is not { } form ? [$"it is {media}, and that is not described"]
            : media == "application/json" && form["schema"] is { } schema ? JsonShape.Mismatches(Spec, schema, JsonNode.Parse(answer.Body), "$")
            : [];
    }

    private static IEnumerable<string> Fault(WatchedAnswer answer)
    {
        if (answer.Pattern is { } pattern && Operation(answer.Method, pattern) is { } operation && operation["responses"]!["default"] is null && operation["responses"]![$"{answer.Status}"] is null)
        {
            yield return "no fault is described";
        }

        if (answer.Method == "HEAD")
        {
            yield break;
        }

        // Health says in its own document that it is not well.
        if (answer.Pattern == "/healthz")
        {
            yield break;
        }

        if (FaultName(answer.Path, answer.Status) is not { } name)
        {
            yield return "no fault has this status";
            yield break;
        }

        string given;
        int code;
        string? message;
        if (IsXml(answer))
        {
            var root = XDocument.Parse(Encoding.UTF8.GetString(answer.Body)).Root!;
            (given, code, message) = (root.Name.LocalName, int.Parse((string)root.Attribute("code")!, System.Globalization.CultureInfo.InvariantCulture), (string?)root.Element(Compute + "message"));
            if (root.Name.Namespace != Compute || !SpeaksXml(answer.Path))
            {
                yield return "a fault in XML where none is spoken";
            }
        }
        else
        {
            var fault = JsonNode.Parse(answer.Body)!.AsObject().Single();
            (given, code, message) = (fault.Key, fault.Value!["code"]!.GetValue<int>(), fault.Value["message"]!.GetValue<string>());
        }

        // Identity has a form of its own, with one name.
        var expected = IsIdentity(answer.Path) ? "error" : name;
        if (given != expected)
        {
            yield return $"the fault is called {given} and not {expected}";
        }

        if (code != answer.Status || string.IsNullOrWhiteSpace(message))
        {
            yield return "a fault has the status for its code, and a message";
        }

        if (message is not null && (message.Contains("   at ", StringComparison.Ordinal) || message.Contains("Exception", StringComparison.Ordinal)))
        {
            yield return "it tells of the inside";
        }
    }

    private static bool IsXml(WatchedAnswer answer) => answer.ContentType?.Split(';')[0] is "application/xml" or "application/atom+xml";

    private static bool IsLegacy(string path) => FirstSegment(path) is "v1.1" or "v2";

    private static bool IsIdentity(string path) => FirstSegment(path) is "v3" or "v2.0" or "identity";

    private static bool SpeaksXml(string path) => FirstSegment(path) is not ("v2" or "v2.1" or "v3" or "v2.0" or "identity" or "image" or "odata" or "admin" or "api-spec");

    private static string FirstSegment(string path)
    {
        var segment = path.Split('/', StringSplitOptions.RemoveEmptyEntries) is [var first, ..] ? first : "";
        foreach (var suffix in new[] { ".json", ".xml", ".atom" })
        {
            segment = segment.EndsWith(suffix, StringComparison.OrdinalIgnoreCase) ? segment[..^suffix.Length] : segment;
        }

        return segment;
    }

    private static string Shown(byte[] body) => Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 2000)));
}
