using System.Text.Json.Nodes;

namespace NovaShim.Api.Tests;

/// <summary>The tables of <c>api-spec/</c>, as data of tests.</summary>
internal static class SpecTable
{
    /// <summary>The rows under a file's key.</summary>
    public static IReadOnlyList<JsonNode> Rows(string file, string key) =>
        [.. JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "api-spec", file)))![key]!.AsArray().Select(r => r!)];
}
