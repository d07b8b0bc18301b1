using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace NovaShim.XenServer.Guests;

/// <summary>
/// How a password is hidden on its way to the agent in a guest: Diffie-Hellman with the prime and base that the agents have built in, then AES-128-CBC under the shared number's decimal digits, as <c>openssl enc -aes-128-cbc -md md5
/// -nosalt -a -A</c> does it. That is weak by today's measure (a prime of 107 bits) but what the agents understand; it keeps the password out of command lines and logs, and XenStore is read by dom0 and the guest only.
/// </summary>
internal sealed class SharedKey
{
    private const int SecretBytes = 16;
    private static readonly BigInteger Prime = BigInteger.Parse("162259276829213363391578010288127", CultureInfo.InvariantCulture);
    private static readonly BigInteger Base = 5;

    private readonly BigInteger _secret;

    public SharedKey()
        : this(new BigInteger(RandomNumberGenerator.GetBytes(SecretBytes), isUnsigned: true))
    {
    }

    /// <param name="secret">This side's secret number.</param>
    internal SharedKey(BigInteger secret) => _secret = secret;

    /// <summary>What the other side is told, in decimal.</summary>
    public string Public => BigInteger.ModPow(Base, _secret, Prime).ToString(CultureInfo.InvariantCulture);

    /// <summary>The text under the key that is shared with whoever has this public number; in base64, on one line.</summary>
    /// <exception cref="FormatException">The number is none, or one with which nothing would be secret.</exception>
    public string Encrypt(string text, string theirPublic)
    {
        var theirs = BigInteger.Parse(theirPublic.Trim(), NumberStyles.None, CultureInfo.InvariantCulture);
        if (theirs <= BigInteger.One || theirs >= Prime - 1)
        {
            throw new FormatException("The agent's public number is out of range.");
        }

        return Encrypt(text, Encoding.ASCII.GetBytes(BigInteger.ModPow(theirs, _secret, Prime).ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>OpenSSL's way from a pass phrase to key and initialisation vector, without salt.</summary>
    [SuppressMessage("Security", "CA5351", Justification = "The agents' derivation.")]
    internal static string Encrypt(string text, byte[] phrase)
    {
        var key = MD5.HashData(phrase);
        using var aes = Aes.Create();
        aes.Key = key;
        return Convert.ToBase64String(aes.EncryptCbc(Encoding.UTF8.GetBytes(text), MD5.HashData([.. key, .. phrase])));
    }
}
