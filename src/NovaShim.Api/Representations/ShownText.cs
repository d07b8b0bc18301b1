using System.Text.Json;
using System.Text.Json.Serialization;

namespace NovaShim.Api.Representations;

/// <summary>
/// A text that is in the document even when it is null; the default is not in the document at all. For keys whose presence depends on who asks or on
/// which surface.
/// </summary>
[JsonConverter(typeof(ShownTextConverter))]
internal readonly record struct ShownText
{
    private ShownText(string? value) => (Value, IsShown) = (value, true);

    /// <summary>The text.</summary>
    public string? Value { get; }

    /// <summary>Whether it is in the document.</summary>
    public bool IsShown { get; }

    /// <summary>In the document, be it null.</summary>
    public static ShownText Of(string? value) => new(value);
}

/// <summary>A text or a null. That a text which is not shown is left out is said at the property.</summary>
internal sealed class ShownTextConverter : JsonConverter<ShownText>
{
    /// <inheritdoc/>
    public override ShownText Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => ShownText.Of(reader.GetString());

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ShownText value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}
