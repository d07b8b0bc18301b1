using System.Buffers.Binary;

namespace NATS.NKeys;

/// <summary>
/// The text form of nkeys (described in the README of nats-io/nkeys): a prefix, 32 bytes of key and a CRC-16/XMODEM, least significant byte first, together in base32
/// (RFC 4648, no padding). A public key's prefix is one byte whose top five bits are the letter the text begins with. A seed's prefix is ten
/// bits, the letters 'S' and its kind, spread over two bytes.
/// </summary>
internal static class EncodedKey
{
    public const int RawKeySize = 32;

    private const int ChecksumSize = 2;
    private const int SeedPrefixSize = 2;
    private const byte SeedPrefix = 18 << 3;
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    /// <summary>The letters of the kinds that sign: account, cluster, server (node), operator, user.</summary>
    private const string Kinds = "ACNOU";

    public static string Public(byte kind, ReadOnlySpan<byte> key)
    {
        Span<byte> raw = stackalloc byte[1 + RawKeySize + ChecksumSize];
        raw[0] = kind;
        key.CopyTo(raw[1..]);
        BinaryPrimitives.WriteUInt16LittleEndian(raw[^ChecksumSize..], Crc16(raw[..^ChecksumSize]));
        return ToBase32(raw);
    }

    public static (byte Kind, byte[] Seed) ReadSeed(ReadOnlySpan<char> text)
    {
        Span<byte> raw = stackalloc byte[SeedPrefixSize + RawKeySize + ChecksumSize];
        FromBase32(text, raw);
        if (BinaryPrimitives.ReadUInt16LittleEndian(raw[^ChecksumSize..]) != Crc16(raw[..^ChecksumSize]))
        {
            throw new NKeysException("The seed's checksum is wrong.");
        }

        if ((raw[0] & 0b1111_1000) != SeedPrefix)
        {
            throw new NKeysException("This is not a seed: a seed begins with 'S'.");
        }

        var kind = (byte)(((raw[0] & 0b0000_0111) << 5) | ((raw[1] & 0b1111_1000) >> 3));
        if ((kind & 0b0000_0111) != 0 || !Kinds.Contains(Alphabet[kind >> 3], StringComparison.Ordinal))
        {
            throw new NKeysException("The seed is of a kind that does not sign.");
        }

        return (kind, raw.Slice(SeedPrefixSize, RawKeySize).ToArray());
    }

    /// <summary>CRC-16/XMODEM: polynomial 0x1021, start 0.</summary>
    private static ushort Crc16(ReadOnlySpan<byte> bytes)
    {
        ushort crc = 0;
        foreach (var value in bytes)
        {
            crc ^= (ushort)(value << 8);
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (ushort)((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1);
            }
        }

        return crc;
    }

    private static string ToBase32(ReadOnlySpan<byte> bytes)
    {
        Span<char> text = stackalloc char[(bytes.Length * 8 + 4) / 5];
        var length = 0;
        var buffer = 0;
        var bits = 0;
        foreach (var value in bytes)
        {
            buffer = (buffer << 8) | value;
            bits += 8;
            while (bits >= 5)
            {
                bits -= 5;
                text[length++] = Alphabet[(buffer >> bits) & 31];
            }
        }

        if (bits > 0)
        {
            text[length++] = Alphabet[(buffer << (5 - bits)) & 31];
        }

        return new string(text[..length]);
    }

    private static void FromBase32(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        if (text.Length != (bytes.Length * 8 + 4) / 5)
        {
            throw new NKeysException($"A seed is {(bytes.Length * 8 + 4) / 5} characters long, not {text.Length}.");
        }

        var length = 0;
        var buffer = 0;
        var bits = 0;
        foreach (var letter in text)
        {
            var digit = Alphabet.IndexOf(letter, StringComparison.Ordinal);
            if (digit < 0)
            {
                throw new NKeysException("A seed is written with A to Z and 2 to 7 only.");
            }

            buffer = (buffer << 5) | digit;
            bits += 5;
            if (bits >= 8)
            {
                bits -= 8;
                bytes[length++] = (byte)(buffer >> bits);
            }
        }

        if ((buffer & ((1 << bits) - 1)) != 0)
        {
            throw new NKeysException("The seed's last letter is wrong.");
        }
    }
}
