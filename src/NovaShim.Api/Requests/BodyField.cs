using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using NovaShim.Api.Faults;

namespace NovaShim.Api.Requests;

/// <summary>
/// A value of a request's body and the name it has there. What does not fit is a 400 that names the field. A null counts as absent, as clients of the
/// period send it.
/// </summary>
/// <param name="Element">The value.</param>
/// <param name="Name">Its path in the body, such as <c>server.flavorRef</c>; empty for the root.</param>
internal readonly record struct BodyField(JsonElement Element, string Name)
{
    private const int ShownLength = 60;

    /// <summary>Whether it is an object.</summary>
    public bool IsObject => Element.ValueKind == JsonValueKind.Object;

    /// <summary>Whether it is a text.</summary>
    public bool IsText => Element.ValueKind == JsonValueKind.String;

    /// <summary>Whether it is an array or text without content, which clients send for "none".</summary>
    public bool IsEmpty => Element.ValueKind switch
    {
        JsonValueKind.Array => Element.GetArrayLength() == 0,
        JsonValueKind.String => Text() is "",
        JsonValueKind.Object => !Element.EnumerateObject().MoveNext(),
        _ => false,
    };

    /// <summary>A member of the object, or null when it is absent or null.</summary>
    public BodyField? Get(string name) =>
        IsObject && Element.TryGetProperty(name, out var value) && value.ValueKind is not JsonValueKind.Null ? new BodyField(value, Path(name)) : null;

    /// <summary>A member of the object by one of several names, or null.</summary>
    public BodyField? Get(string name, string otherName) => Get(name) ?? Get(otherName);

    /// <summary>A member that must be there.</summary>
    public BodyField Require(string name) => Get(name) ?? throw Fault.BadRequest($"Invalid input for field/attribute {Path(name)}: it is required.");

    /// <summary>Whether the object has a member of this name, be it null.</summary>
    public bool Has(string name) => IsObject && Element.TryGetProperty(name, out _);

    /// <summary>Itself, if it is an object.</summary>
    public BodyField RequireObject() => IsObject ? this : throw Invalid("an object is expected");

    /// <summary>The members of the object, in order.</summary>
    public IEnumerable<BodyField> Members()
    {
        foreach (var property in RequireObject().Element.EnumerateObject())
        {
            yield return new BodyField(property.Value, Path(property.Name));
        }
    }

    /// <summary>Itself, unless it has members by other names: today's surface refuses them, those of 2011 pass them over.</summary>
    public BodyField Only(Surface surface, params ReadOnlySpan<string> names)
    {
        if (surface.IsLegacy())
        {
            return this;
        }

        foreach (var property in RequireObject().Element.EnumerateObject())
        {
            if (!names.Contains(property.Name))
            {
                throw Fault.BadRequest($"Invalid input for field/attribute {(Name.Length == 0 ? "the body" : Name)}. Additional properties are not allowed ('{property.Name}' was unexpected).");
            }
        }

        return this;
    }

    /// <summary>The names of the object's members.</summary>
    public IReadOnlyList<string> Names() => [.. RequireObject().Element.EnumerateObject().Select(p => p.Name)];

    /// <summary>The items of an array.</summary>
    public IReadOnlyList<BodyField> Items()
    {
        if (Element.ValueKind != JsonValueKind.Array)
        {
            throw Invalid("an array is expected");
        }

        var name = Name;
        return [.. Element.EnumerateArray().Select((item, index) => new BodyField(item, $"{name}[{index}]"))];
    }

    /// <summary>The text.</summary>
    public string Text()
    {
        if (!IsText)
        {
            throw Invalid("a string is expected");
        }

        return Element.GetString()!;
    }

    /// <summary>The text, with at least one and at most so many characters.</summary>
    public string Text(int maxLength)
    {
        var text = Text();
        return text.Length == 0 ? throw Invalid("it must not be empty") : text.Length > maxLength ? throw Invalid($"it must not be longer than {maxLength} characters") : text;
    }

    /// <summary>A name: 1 to 255 characters that people can read. Spaces around it are refused today and were cut off in 2011.</summary>
    public string NameText(Surface surface)
    {
        var given = Text(255);
        var name = given.Trim();
        return name.Length == 0 ? throw Invalid("it must not be blank")
            : name.Length != given.Length && !surface.IsLegacy() ? throw Invalid("it must not begin or end with a space")
            : name.Any(char.IsControl) ? throw Invalid("it must not have control characters")
            : name;
    }

    /// <summary>A text or an integer, as text: what clients send for an id.</summary>
    public string Id() => Element.ValueKind switch
    {
        JsonValueKind.String => Text(),
        JsonValueKind.Number when Element.TryGetInt64(out var number) => number.ToString(CultureInfo.InvariantCulture),
        _ => throw Invalid("a string or an integer is expected"),
    };

    /// <summary>An IP address as it was written, of one family or of either.</summary>
    public string Address(AddressFamily? family = null)
    {
        var text = Text();

        // An IPv4 address is four numbers here, whatever shorter forms the parser knows.
        var right = IPAddress.TryParse(text, out var address)
            && (family is null || address.AddressFamily == family)
            && (address.AddressFamily == AddressFamily.InterNetworkV6 || text.Split('.').Length == 4);
        return right ? text : throw Invalid(family switch
        {
            AddressFamily.InterNetwork => "an IPv4 address is expected",
            AddressFamily.InterNetworkV6 => "an IPv6 address is expected",
            _ => "an IP address is expected",
        });
    }

    /// <summary>An integer, or a text that is one.</summary>
    public int Integer()
    {
        var ok = int.TryParse(Element.ValueKind == JsonValueKind.Number ? Element.GetRawText() : IsText ? Text() : "", NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value);
        return ok ? value : throw Invalid("an integer is expected");
    }

    /// <summary>An integer between two bounds, or a text that is one.</summary>
    public int Integer(int least, int most = int.MaxValue) => Integer() is var value && value >= least && value <= most
        ? value
        : throw Invalid(most == int.MaxValue ? $"it must be at least {least}" : $"it must be between {least} and {most}");

    /// <summary>A boolean, or one of the texts Nova takes for one.</summary>
    public bool Boolean() => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String when Texts.TryBoolean(Text(), out var value) => value,
        _ => throw Invalid("a boolean is expected"),
    };

    /// <summary>The 400 that names this field.</summary>
    public FaultException Invalid(string expectation)
    {
        var raw = Element.ValueKind == JsonValueKind.Undefined ? "" : Element.GetRawText();
        var shown = raw.Length > ShownLength ? raw[..ShownLength] + "…" : raw;
        return Fault.BadRequest(Name.Length == 0 ? $"The body is not as expected: {expectation}." : $"Invalid input for field/attribute {Name}. Value: {shown}. {expectation}.");
    }

    private string Path(string name) => Name.Length == 0 ? name : $"{Name}.{name}";
}
