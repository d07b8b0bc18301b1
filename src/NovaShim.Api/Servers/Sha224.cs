using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace NovaShim.Api.Servers;

/// <summary>
/// SHA-224 (FIPS 180-4), which .NET lacks: Nova's <c>hostId</c> is one. It hides which host is meant from tenants, no secret rests on it.
/// </summary>
internal static class Sha224
{
    private static readonly uint[] Primes = FirstPrimes(64);

    // The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
    private static readonly uint[] RoundConstants = [.. Primes.Select(CubeRootFraction)];

    /// <summary>The digest of a text's UTF-8, as 56 hexadecimal digits.</summary>
    public static string HexOf(string text)
    {
        var data = Encoding.UTF8.GetBytes(text);
        var padded = new byte[(data.Length + 8) / 64 * 64 + 64];
        data.CopyTo(padded, 0);
        padded[data.Length] = 0x80;
        BinaryPrimitives.WriteUInt64BigEndian(padded.AsSpan(padded.Length - 8), (ulong)data.Length * 8);

        uint[] hash = [0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939, 0xffc00b31, 0x68581511, 0x64f98fa7, 0xbefa4fa4];
        for (var block = 0; block < padded.Length; block += 64)
        {
            Compress(hash, padded.AsSpan(block, 64));
        }

        Span<byte> digest = stackalloc byte[28];
        for (var word = 0; word < 7; word++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(digest[(word * 4)..], hash[word]);
        }

        return Convert.ToHexStringLower(digest);
    }

    private static void Compress(uint[] hash, ReadOnlySpan<byte> block)
    {
        Span<uint> schedule = stackalloc uint[64];
        for (var t = 0; t < 64; t++)
        {
            schedule[t] = t < 16
                ? BinaryPrimitives.ReadUInt32BigEndian(block[(t * 4)..])
                : SmallSigma(schedule[t - 2], 17, 19, 10) + schedule[t - 7] + SmallSigma(schedule[t - 15], 7, 18, 3) + schedule[t - 16];
        }

        var (a, b, c, d, e, f, g, h) = (hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]);
        for (var t = 0; t < 64; t++)
        {
            var first = h + BigSigma(e, 6, 11, 25) + ((e & f) ^ (~e & g)) + RoundConstants[t] + schedule[t];
            var second = BigSigma(a, 2, 13, 22) + ((a & b) ^ (a & c) ^ (b & c));
            (h, g, f, e, d, c, b, a) = (g, f, e, d + first, c, b, a, first + second);
        }

        uint[] working = [a, b, c, d, e, f, g, h];
        for (var word = 0; word < 8; word++)
        {
            hash[word] += working[word];
        }
    }

    private static uint BigSigma(uint x, int p, int q, int r) => BitOperations.RotateRight(x, p) ^ BitOperations.RotateRight(x, q) ^ BitOperations.RotateRight(x, r);

    private static uint SmallSigma(uint x, int p, int q, int shift) => BitOperations.RotateRight(x, p) ^ BitOperations.RotateRight(x, q) ^ (x >> shift);

    /// <summary>floor(cbrt(p) · 2³²) mod 2³², exactly: the largest n with n³ ≤ p · 2⁹⁶.</summary>
    private static uint CubeRootFraction(uint prime)
    {
        var target = (BigInteger)prime << 96;
        BigInteger low = 0, high = (BigInteger)8 << 32;
        while (high - low > 1)
        {
            var middle = (low + high) >> 1;
            (low, high) = middle * middle * middle <= target ? (middle, high) : (low, middle);
        }

        return (uint)(low & uint.MaxValue);
    }

    private static uint[] FirstPrimes(int count)
    {
        var primes = new List<uint>(count);
        for (var n = 2u; primes.Count < count; n++)
        {
            if (primes.TrueForAll(p => n % p != 0))
            {
                primes.Add(n);
            }
        }

        return [.. primes];
    }
}
