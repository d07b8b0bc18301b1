using System.Globalization;
using System.Text.RegularExpressions;

namespace NovaShim.XenServer.Dom0;

/// <summary>One line of rsync's <c>--info=progress2</c>.</summary>
/// <param name="Bytes">Bytes of the files covered so far.</param>
/// <param name="Percent">Of all files, 0 to 100.</param>
internal readonly partial record struct RsyncProgress(long Bytes, int Percent)
{
    /// <summary>
    /// Reads a line such as <c>84050432  40%  109.81MB/s  0:00:01</c>. Bytes may carry separators (<c>84,050,432</c>) or a unit (<c>84.05M</c>): rsync's default
    /// and its -h, whatever a host's own configuration asks for.
    /// </summary>
    public static bool TryParse(string line, out RsyncProgress progress)
    {
        progress = default;
        if (Pattern().Match(line) is not { Success: true } match
            || !decimal.TryParse(match.Groups["n"].Value.Replace(",", "", StringComparison.Ordinal), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            || !int.TryParse(match.Groups["p"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var percent))
        {
            return false;
        }

        decimal unit = match.Groups["u"].Value switch { "K" => 1_000, "M" => 1_000_000, "G" => 1_000_000_000, "T" => 1_000_000_000_000, _ => 1 };
        progress = new((long)(number * unit), Math.Min(percent, 100));
        return true;
    }

    [GeneratedRegex(@"^\s*(?<n>\d[\d,]{0,24}(\.\d{1,3})?)(?<u>[KMGT]?)\s+(?<p>\d{1,3})%\s+[\d.,]+[kKMGT]?B/s\s+\d+:\d\d:\d\d")]
    private static partial Regex Pattern();
}
