using System.Globalization;
using System.Text;

namespace NovaShim.Compute.Messaging;

/// <summary>The subjects of the bus.</summary>
public static class Subjects
{
    /// <summary>Any number of schedulers listen here, in one queue group of the same name.</summary>
    public const string Scheduler = "nova.scheduler";

    /// <summary>Where a host's compute manager listens. The host is percent-encoded into one token, because NATS gives <c>.</c>, <c>*</c>, <c>&gt;</c> and spaces a meaning.</summary>
    public static string Compute(string host) => "nova.compute." + Token(host);

    /// <summary>Where notifications of a priority (<c>INFO</c>, <c>ERROR</c>) go.</summary>
    public static string Notifications(string priority) => "nova.notifications." + Token(priority.ToLowerInvariant());

    private static string Token(string name)
    {
        var token = new StringBuilder(name.Length);
        foreach (var b in Encoding.UTF8.GetBytes(name))
        {
            if (b < 0x80 && (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'_'))
            {
                token.Append((char)b);
            }
            else
            {
                token.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
            }
        }

        return token.ToString();
    }
}
