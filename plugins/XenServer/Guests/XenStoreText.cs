using System.Text;

namespace NovaShim.XenServer.Guests;

/// <summary>How <c>xenstore-read</c> shows a value: whatever is no printable ASCII, and the backslash, stands behind a backslash, as a letter or in octal.</summary>
internal static class XenStoreText
{
    /// <summary>The value that is shown so.</summary>
    public static byte[] Parse(string shown)
    {
        var value = new List<byte>(shown.Length);
        for (var at = 0; at < shown.Length; at++)
        {
            if (shown[at] != '\\' || at + 1 == shown.Length)
            {
                value.AddRange(Encoding.UTF8.GetBytes(shown, at, 1));
                continue;
            }

            at++;
            if (shown[at] is not (>= '0' and <= '7'))
            {
                value.Add(shown[at] switch { 't' => (byte)'\t', 'n' => (byte)'\n', 'r' => (byte)'\r', var other => (byte)other });
                continue;
            }

            var code = 0;
            for (var digits = 0; digits < 3 && at < shown.Length && shown[at] is >= '0' and <= '7'; digits++)
            {
                code = (code * 8) + shown[at++] - '0';
            }

            at--;
            value.Add((byte)code);
        }

        return [.. value];
    }
}
