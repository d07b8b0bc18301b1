using System.Globalization;

namespace NovaShim.XenServerSimulator.Dom0.VhdUtil;

/// <summary>A command's flags are not what it needs.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>Single-letter flags as getopt reads them: "-n F", "-nF", "-vp".</summary>
internal sealed class Flags
{
    private readonly Dictionary<char, string> _values = [];

    /// <summary>What stood outside the flags.</summary>
    public List<string> Others { get; } = [];

    /// <summary>Reads flags; a letter followed by ':' in <paramref name="known"/> takes a value. Null with the reason when they do not fit.</summary>
    public static Flags? TryParse(ReadOnlySpan<string> args, string known, out string problem)
    {
        var flags = new Flags();
        problem = "";
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i].Length < 2 || args[i][0] != '-')
            {
                flags.Others.Add(args[i]);
                continue;
            }

            for (var at = 1; at < args[i].Length; at++)
            {
                var letter = args[i][at];
                var place = letter == ':' ? -1 : known.IndexOf(letter, StringComparison.Ordinal);
                if (place < 0)
                {
                    problem = $"invalid option -- '{letter}'";
                    return null;
                }

                if (place + 1 >= known.Length || known[place + 1] != ':')
                {
                    flags._values[letter] = "";
                    continue;
                }

                if (at + 1 == args[i].Length && i + 1 == args.Length)
                {
                    problem = $"option requires an argument -- '{letter}'";
                    return null;
                }

                flags._values[letter] = at + 1 < args[i].Length ? args[i][(at + 1)..] : args[++i];
                break;
            }
        }

        return flags;
    }

    public bool Has(char letter) => _values.ContainsKey(letter);

    public string? Get(char letter) => _values.GetValueOrDefault(letter);

    public string Require(char letter) => Get(letter) ?? throw new UsageException($"-{letter} is missing");

    /// <summary>A size given in MB, as bytes.</summary>
    public long? Size(char letter)
    {
        if (Get(letter) is not { } text)
        {
            return null;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var megabytes) && megabytes is > 0 and < 1 << 30
            ? megabytes << 20
            : throw new UsageException($"-{letter} is no size in MB: {text}");
    }

    public long RequireSize(char letter) => Size(letter) ?? throw new UsageException($"-{letter} is missing");
}
