using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace NovaShim.Compute.Documents.Embedded;

/// <summary>How documents are written into the file: JSON under Nova's column names, moments in UTC with whole milliseconds. Dictionary keys stay as they are.</summary>
internal static class DocumentJson
{
    // By reflection, whose metadata is built once per type: the set of document types is open to every capability that keeps documents.
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        IgnoreReadOnlyProperties = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new UtcMilliseconds() },
    };

    public static string Write<T>(T document) => JsonSerializer.Serialize(document, Options);

    public static T Read<T>(string body) => JsonSerializer.Deserialize<T>(body, Options) ?? throw new JsonException("The body is null.");

    private sealed class UtcMilliseconds : JsonConverter<DateTime>
    {
        private const string Format = "yyyy-MM-ddTHH:mm:ss.fffZ";

        public override DateTime Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDateTime().ToUniversalTime();

        public override void Write(Utf8JsonWriter writer, DateTime value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToUniversalTime().ToString(Format, CultureInfo.InvariantCulture));
    }
}
