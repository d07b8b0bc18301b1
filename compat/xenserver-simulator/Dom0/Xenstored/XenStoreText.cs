using System.Globalization;
using System.Text;

namespace NovaShim.XenServerSimulator.Dom0.Xenstored;

/// <summary>How dom0's programs show values, which may be any bytes, and read them from their arguments: what is not printable stands behind a backslash.</summary>
internal static class XenStoreText
{
    /// <summary>A value as <c>xenstore-read</c> prints it.</summary>
    public static string Show(ReadOnlySpan<byte> value)
    {
        StringBuilder text = new(value.Length);
        for (int i = 0; i < value.Length; i++)
        {
            byte b = value[i];
            _ = b switch
            {
                (byte)'\\' => text.Append(@"\\"),
                (byte)'\t' => text.Append(@"\t"),
                (byte)'\n' => text.Append(@"\n"),
                (byte)'\r' => text.Append(@"\r"),
                >= 0x20 and <= 0x7E => text.Append((char)b),

                // As few digits as cannot be mistaken.
                _ => text.Append('\\').Append(Convert.ToString(b, 8).PadLeft(i + 1 < value.Length && char.IsAsciiDigit((char)value[i + 1]) ? 3 : 1, '0')),
            };
        }

        return text.ToString();
    }

    /// <summary>The value that an argument of <c>xenstore-write</c> stands for.</summary>
    public static byte[] Parse(string text)
    {
        byte[] given = Encoding.UTF8.GetBytes(text);
        List<byte> value = new(given.Length);
        for (int at = 0; at < given.Length;)
        {
            if (given[at] != '\\' || at + 1 == given.Length)
            {
                value.Add(given[at++]);
                continue;
            }

            at++;
            if (given[at] is >= (byte)'0' and <= (byte)'7')
            {
                int code = 0;
                for (int digits = 0; digits < 3 && at < given.Length && given[at] is >= (byte)'0' and <= (byte)'7'; digits++)
                {
                    code = (code * 8) + given[at++] - '0';
                }

                value.Add((byte)code);
                continue;
            }

            byte escaped = given[at++];
            if (escaped == 'x')
            {
                int length = 0;
                while (length < 2 && at + length < given.Length && char.IsAsciiHexDigit((char)given[at + length]))
                {
                    length++;
                }

                value.Add(length == 0 ? (byte)0 : byte.Parse(given.AsSpan(at, length), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                at += length;
                continue;
            }

            value.Add(escaped switch { (byte)'t' => (byte)'\t', (byte)'n' => (byte)'\n', (byte)'r' => (byte)'\r', _ => escaped });
        }

        return [.. value];
    }
}
