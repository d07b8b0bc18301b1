using System.Globalization;

namespace NovaShim.XenServerSimulator.XenApi.Model;

internal enum XenKind
{
    String,
    Int,
    Float,
    Bool,
    DateTime,
    Enum,
    Ref,
    Set,
    Map,
    Record,
}

/// <summary>A type of the data model, e.g. <c>map(string,ref blob)</c>: it says what a parameter may be and what an unset field holds.</summary>
internal sealed record XenType(XenKind Kind, string Name = "", XenType? Key = null, XenType? Item = null, IReadOnlyList<string>? Literals = null)
{
    public static XenType Parse(string text, IReadOnlyDictionary<string, IReadOnlyList<string>> enums)
    {
        if (text.StartsWith("set(", StringComparison.Ordinal))
        {
            return new XenType(XenKind.Set, Item: Parse(text[4..^1], enums));
        }

        if (text.StartsWith("map(", StringComparison.Ordinal))
        {
            int comma = text.IndexOf(',', StringComparison.Ordinal);
            return new XenType(XenKind.Map, Key: Parse(text[4..comma], enums), Item: Parse(text[(comma + 1)..^1].Trim(), enums));
        }

        string[] words = text.Split(' ', 2);
        return words[0] switch
        {
            "string" => new XenType(XenKind.String),
            "int" => new XenType(XenKind.Int),
            "float" => new XenType(XenKind.Float),
            "bool" => new XenType(XenKind.Bool),
            "datetime" => new XenType(XenKind.DateTime),
            "ref" => new XenType(XenKind.Ref, words[1]),
            "record" => new XenType(XenKind.Record, words[1]),
            "enum" => new XenType(XenKind.Enum, words[1], Literals: enums.GetValueOrDefault(words[1])),
            _ => throw new InvalidDataException($"The data model names an unknown type: {text}"),
        };
    }

    /// <summary>What a field of this type holds when nothing was ever written to it.</summary>
    public object Zero() => Kind switch
    {
        XenKind.Int => 0L,
        XenKind.Float => 0.0,
        XenKind.Bool => false,
        XenKind.DateTime => DateTime.UnixEpoch,
        XenKind.Set => Values.NoSet,
        XenKind.Map or XenKind.Record => Values.NoMap,
        XenKind.Ref => Values.NullRef,
        XenKind.Enum => Literals?[0] ?? "",
        _ => "",
    };

    /// <summary>Takes a value as it came over the wire: an integer may be a decimal string, a time may be dashed.</summary>
    /// <param name="value">What the transport decoded; null for a JSON null or an XML-RPC nil.</param>
    /// <param name="field">The name of the parameter or field, for the error.</param>
    public object Accept(object? value, string field)
    {
        switch (Kind)
        {
            case XenKind.String when value is string:
            case XenKind.Ref when value is string:
            case XenKind.Bool when value is bool:
            case XenKind.Int when value is long:
            case XenKind.Float when value is double:
            case XenKind.DateTime when value is DateTime:
            case XenKind.Record when value is ValueMap:
                return value!;
            case XenKind.Int when value is string digits && long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number):
                return number;
            case XenKind.Float when value is long whole:
                return (double)whole;
            case XenKind.Float when value is string text && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double real):
                return real;
            case XenKind.DateTime when value is string text && Values.TryTime(text, out DateTime time):
                return time;
            case XenKind.Enum when value is string literal:
                return Literals is null || Literals.Contains(literal) ? literal : throw ApiFailure.InvalidValue(field, literal);
            case XenKind.Set when value is ValueSet set:
                return set.Select(item => Item!.Accept(item, field)).ToArray();
            case XenKind.Map when value is ValueMap map:
                return map.ToDictionary(
                    pair => Values.Text(Key!.Accept(pair.Key, field)),
                    pair => Item!.Accept(pair.Value, field),
                    StringComparer.Ordinal);
            default:
                throw new ApiFailure("FIELD_TYPE_ERROR", field);
        }
    }
}
