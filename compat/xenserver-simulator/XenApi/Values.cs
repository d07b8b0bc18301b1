using System.Globalization;

namespace NovaShim.XenServerSimulator.XenApi;

/// <summary>
/// How API values are held: string (also enums and references), long, double, bool, <see cref="DateTime"/> in UTC,
/// a <c>ValueSet</c> or a <c>ValueMap</c>. An <see cref="int"/> is one of the few counts that XML-RPC sends as <c>i4</c>; a void result is null.
/// </summary>
internal static class Values
{
    public const string NullRef = "OpaqueRef:NULL";

    public static readonly ValueSet NoSet = [];
    public static readonly ValueMap NoMap = new Dictionary<string, object>();

    public static bool IsNull(string reference) => reference is NullRef or "";

    public static ValueSet Set(IEnumerable<string> items) => [.. items];

    public static ValueMap Map(params IEnumerable<(string Key, string Value)> pairs) =>
        pairs.ToDictionary(p => p.Key, p => (object)p.Value, StringComparer.Ordinal);

    public static ValueMap With(this ValueMap map, string key, object value) =>
        new Dictionary<string, object>(map, StringComparer.Ordinal) { [key] = value };

    public static ValueMap Without(this ValueMap map, string key)
    {
        Dictionary<string, object> rest = new(map, StringComparer.Ordinal);
        rest.Remove(key);
        return rest;
    }

    /// <summary>A time as the API writes it; whole seconds, always UTC.</summary>
    public static string Text(DateTime time) => time.ToString("yyyyMMdd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static bool TryTime(string text, out DateTime time) => DateTime.TryParseExact(
        text,
        ["yyyyMMdd'T'HH:mm:ss'Z'", "yyyyMMdd'T'HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'"],
        CultureInfo.InvariantCulture,
        DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
        out time);

    /// <summary>The text that a query or an error message shows for a simple value.</summary>
    public static string Text(object value) => value switch
    {
        string text => text,
        bool flag => flag ? "true" : "false",
        DateTime time => Text(time),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.GetType().Name,
    };
}
