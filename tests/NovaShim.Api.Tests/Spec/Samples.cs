using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace NovaShim.Api.Tests.Spec;

/// <summary>
/// The samples of <c>api-spec/samples/</c>: what the running face answers, but for values that are new each time. Where the environment's <c>NOVASHIM_WRITE_SAMPLES</c> names that folder, they are written
/// instead of compared.
/// </summary>
internal static partial class Samples
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Compares an answer in JSON, together with its status.</summary>
    public static Task CheckJsonAsync(string name, int status, JsonNode body, string baseUrl) =>
        CheckAsync(name + ".json", Normalized(new JsonObject { ["status"] = status, ["body"] = body.DeepClone() }.ToJsonString(Indented), baseUrl));

    /// <summary>Compares a document in XML.</summary>
    public static Task CheckXmlAsync(string name, string document, string baseUrl) => CheckAsync(name + ".xml", Normalized(XDocument.Parse(document).ToString(), baseUrl));

    private static async Task CheckAsync(string file, string text)
    {
        text += "\n";
        if (Environment.GetEnvironmentVariable("NOVASHIM_WRITE_SAMPLES") is { Length: > 0 } folder)
        {
            var path = Path.Combine(folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllTextAsync(path, text);
            return;
        }

        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "api-spec", "samples", file)), text);
    }

    private static string Normalized(string text, string baseUrl)
    {
        text = text.Replace(baseUrl, "http://127.0.0.1:8774", StringComparison.Ordinal);
        text = Moments().Replace(text, m => m.Groups["fraction"].Success ? $"2026-01-02T03:04:05.000000{m.Groups["zone"].Value}" : "2026-01-02T03:04:05Z");
        text = Uuids().Replace(text, m => m.Value == Face.ImageId ? m.Value : m.Value.StartsWith("req-", StringComparison.Ordinal) ? "req-00000000-0000-4000-8000-000000000002" : "00000000-0000-4000-8000-000000000001");
        return AuditIds().Replace(text, "\"audit_ids\": [\n        \"0123456789abcdef012345\"\n      ]");
    }

    // The dates of the versions themselves are older, and the same always.
    [GeneratedRegex("20[2-9][0-9]-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?<fraction>\\.[0-9]+)?(?<zone>Z?)")]
    private static partial Regex Moments();

    [GeneratedRegex("(req-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Uuids();

    [GeneratedRegex("\"audit_ids\": \\[\\s*\"[0-9a-f]+\"\\s*\\]")]
    private static partial Regex AuditIds();
}
