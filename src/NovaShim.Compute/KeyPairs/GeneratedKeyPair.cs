using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace NovaShim.Compute.KeyPairs;

/// <summary>A key pair made for a user, as Nova makes it: RSA of 2048 bits.</summary>
/// <param name="PrivateKey">The private half in PEM (PKCS#1); shown to the user once, and kept nowhere.</param>
/// <param name="PublicKey">The public half in OpenSSH's form.</param>
/// <param name="Fingerprint">See <see cref="SshPublicKey"/>.</param>
public sealed record GeneratedKeyPair(string PrivateKey, string PublicKey, string Fingerprint)
{
    private const int Bits = 2048;

    /// <summary>Makes one. Takes a good part of a second of computing.</summary>
    public static GeneratedKeyPair Make()
    {
        using var rsa = RSA.Create(Bits);
        var numbers = rsa.ExportParameters(includePrivateParameters: false);
        var blob = new List<byte>();
        Append(blob, Encoding.ASCII.GetBytes("ssh-rsa"));
        Append(blob, Positive(numbers.Exponent!));
        Append(blob, Positive(numbers.Modulus!));
        var bytes = blob.ToArray();
        return new GeneratedKeyPair(rsa.ExportRSAPrivateKeyPem() + "\n", $"ssh-rsa {Convert.ToBase64String(bytes)} Generated-by-Nova", SshPublicKey.FingerprintOf(bytes));
    }

    private static void Append(List<byte> blob, ReadOnlySpan<byte> value)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, value.Length);
        blob.AddRange(length);
        blob.AddRange(value);
    }

    /// <summary>A first bit that is set would make the number negative.</summary>
    private static byte[] Positive(byte[] number) => number[0] < 0x80 ? number : [0, .. number];
}
