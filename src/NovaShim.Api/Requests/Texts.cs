using System.Text.RegularExpressions;

namespace NovaShim.Api.Requests;

/// <summary>How Nova reads texts that stand for other things.</summary>
internal static partial class Texts
{
    /// <summary>Reads a boolean in any of the spellings Nova takes.</summary>
    public static bool TryBoolean(string text, out bool value)
    {
        value = text.Trim().ToLowerInvariant() is "1" or "t" or "true" or "on" or "y" or "yes";
        return value || text.Trim().ToLowerInvariant() is "0" or "f" or "false" or "off" or "n" or "no";
    }

    /// <summary>A moment as the compute surfaces write it: whole seconds, UTC.</summary>
    public static string Moment(DateTime moment) => moment.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A moment as Nova's extensions write it: microseconds, without a zone.</summary>
    public static string DatabaseMoment(DateTime moment) => moment.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A moment that a parameter names in ISO 8601, in UTC; UTC where it names no zone.</summary>
    public static DateTime ParsedMoment(string parameter, string text) =>
        IsoMoment().IsMatch(text)
            && DateTime.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal | System.Globalization.DateTimeStyles.AdjustToUniversal, out var moment)
            ? moment
            : throw Faults.Fault.BadRequest($"Invalid {parameter} value: a moment in ISO 8601 is expected.");

    [GeneratedRegex(@"^\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?( ?[+-]\d\d(:?\d\d)?|Z)?)?)?$")]
    private static partial Regex IsoMoment();

    /// <summary>A reference given as an id or as a URL that ends in one.</summary>
    public static string IdOfReference(string reference)
    {
        var trimmed = reference.TrimEnd('/');
        return trimmed.Contains("://", StringComparison.Ordinal) || trimmed.StartsWith('/') ? trimmed[(trimmed.LastIndexOf('/') + 1)..] : reference;
    }
}
