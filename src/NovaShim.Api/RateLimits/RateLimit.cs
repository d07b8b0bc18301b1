using System.Text.RegularExpressions;

namespace NovaShim.Api.RateLimits;

/// <summary>How often a user may make a kind of request, in Nova's terms.</summary>
/// <param name="Verb">The HTTP method.</param>
/// <param name="Uri">What it is about, for people: <c>*/servers</c>.</param>
/// <param name="Regex">What the path below the tenant, with its query, must match from its beginning.</param>
/// <param name="Value">How many requests.</param>
/// <param name="Unit">In which time.</param>
internal sealed record RateLimit(string Verb, string Uri, Regex Regex, int Value, RateUnit Unit)
{
    /// <summary>What Nova 2011.3 ships.</summary>
    public const string Default = "(POST, *, .*, 10, MINUTE);(POST, */servers, ^/servers, 50, DAY);(PUT, *, .*, 10, MINUTE);(GET, *changes-since*, .*changes-since.*, 3, MINUTE);(DELETE, *, .*, 100, MINUTE)";

    /// <summary>What a user over it is told.</summary>
    public string Details => $"Only {Value} {Verb} request(s) can be made to {Uri} every {Unit.ToString().ToLowerInvariant()}.";

    /// <summary>Whether it is about a request.</summary>
    public bool IsAbout(string verb, string pathAndQuery) => Verb == verb && Regex.Match(pathAndQuery) is { Success: true, Index: 0 };

    /// <summary>Reads Nova's notation: <c>(VERB, URI, REGEX, VALUE, UNIT);…</c>. Throws <see cref="InvalidOperationException"/> with the group that is wrong.</summary>
    public static IReadOnlyList<RateLimit> Parse(string text) =>
        [.. text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(ParseGroup)];

    private static RateLimit ParseGroup(string group)
    {
        if (!group.StartsWith('(') || !group.EndsWith(')') || group[1..^1].Split(',', StringSplitOptions.TrimEntries) is not [var verb, var uri, var regex, var value, var unit])
        {
            throw new InvalidOperationException($"rate_limits:rules: '{group}' is not (VERB, URI, REGEX, VALUE, UNIT).");
        }

        if (!int.TryParse(value, out var times) || times < 1)
        {
            throw new InvalidOperationException($"rate_limits:rules: '{value}' in '{group}' is no number above 0.");
        }

        RateUnit time = unit.ToUpperInvariant() switch
        {
            "SECOND" => RateUnit.Second,
            "MINUTE" => RateUnit.Minute,
            "HOUR" => RateUnit.Hour,
            "DAY" => RateUnit.Day,
            _ => throw new InvalidOperationException($"rate_limits:rules: '{unit}' in '{group}' is not SECOND, MINUTE, HOUR or DAY."),
        };
        try
        {
            return new RateLimit(verb.ToUpperInvariant(), uri, new Regex(regex, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant), times, time);
        }
        catch (Exception refused) when (refused is ArgumentException or NotSupportedException)
        {
            throw new InvalidOperationException($"rate_limits:rules: '{regex}' in '{group}' is no regular expression that can be searched for.");
        }
    }
}

/// <summary>Nova's units of time; the values are seconds.</summary>
internal enum RateUnit
{
    /// <summary>A second.</summary>
    Second = 1,

    /// <summary>A minute.</summary>
    Minute = 60,

    /// <summary>An hour.</summary>
    Hour = 3600,

    /// <summary>A day.</summary>
    Day = 86_400,
}
