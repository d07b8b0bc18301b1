using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace NATS.NKeys;

/// <summary>
/// An Ed25519 key pair read from an nkey seed. It has the members that NATS.Client.Core calls to answer a server's challenge, with the package's
/// signatures, so that the package can take its place unchanged.
/// </summary>
public sealed class KeyPair : IDisposable
{
    /// <summary>Length of an Ed25519 signature in bytes.</summary>
    public const int SignatureSize = 64;

    private readonly byte[] seed;
    private readonly string publicKey;
    private bool disposed;

    private KeyPair(byte kind, byte[] seed)
    {
        this.seed = seed;
        Span<byte> key = stackalloc byte[EncodedKey.RawKeySize];
        Span<byte> point = stackalloc byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(seed, point);
        point.CopyTo(key);
        publicKey = EncodedKey.Public(kind, key);
    }

    /// <summary>Reads a seed: base32 without padding, beginning with 'S' and the letter of its kind (U user, A account, O operator, N server, C cluster).</summary>
    /// <exception cref="NKeysException">The text is not an intact seed of a known kind.</exception>
    public static KeyPair FromSeed(ReadOnlySpan<char> encodedSeed)
    {
        var (kind, seed) = EncodedKey.ReadSeed(encodedSeed);
        return new KeyPair(kind, seed);
    }

    /// <summary>The public half as NATS writes it, for example in a server's list of users: 56 characters.</summary>
    public string GetPublicKey() => publicKey;

    /// <summary>Forgets the seed; the pair cannot sign afterwards.</summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(seed);
        disposed = true;
    }

    /// <summary>Signs a message.</summary>
    /// <param name="message">What is signed.</param>
    /// <param name="signature">Receives the signature in its first <see cref="SignatureSize"/> bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="signature"/> is too short.</exception>
    public void Sign(ReadOnlyMemory<byte> message, Memory<byte> signature)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (signature.Length < SignatureSize)
        {
            throw new ArgumentException($"A signature takes {SignatureSize} bytes; there is room for {signature.Length}.", nameof(signature));
        }

        Ed25519.Sign(seed, message.Span, signature.Span[..SignatureSize]);
    }
}
