using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace NovaShim.XenServerSimulator.Guests.Agent;

/// <summary>The agent's half of the key exchange that a password is sent with: Diffie-Hellman with the protocol's prime, the shared number's digits as the pass phrase of AES-128-CBC, unsalted.</summary>
internal sealed class PasswordKey
{
    private static readonly BigInteger Prime = BigInteger.Parse("162259276829213363391578010288127", CultureInfo.InvariantCulture);
    private static readonly BigInteger Base = 5;

    private readonly byte[] _phrase;

    /// <param name="theirs">The other side's public number, in decimal.</param>
    /// <exception cref="FormatException">It is none.</exception>
    public PasswordKey(string theirs)
    {
        BigInteger secret = new(RandomNumberGenerator.GetBytes(16), isUnsigned: true);
        Public = BigInteger.ModPow(Base, secret, Prime).ToString(CultureInfo.InvariantCulture);
        BigInteger shared = BigInteger.ModPow(BigInteger.Parse(theirs, NumberStyles.None, CultureInfo.InvariantCulture), secret, Prime);
        _phrase = Encoding.ASCII.GetBytes(shared.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>The agent's public number, in decimal.</summary>
    public string Public { get; }

    /// <summary>What was sent with it.</summary>
    /// <exception cref="CryptographicException">It was sent with another key.</exception>
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Security", "CA5351", Justification = "The protocol's own derivation.")]
    public byte[] Decrypt(byte[] data)
    {
        byte[] key = MD5.HashData(_phrase);
        using Aes aes = Aes.Create();
        aes.Key = key;
        return aes.DecryptCbc(data, MD5.HashData([.. key, .. _phrase]));
    }
}
