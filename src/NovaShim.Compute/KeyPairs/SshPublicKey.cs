using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace NovaShim.Compute.KeyPairs;

/// <summary>
/// A public key in OpenSSH's form: type, the key in base64, a comment (RFC 4253 section 6.6, RFC 5656, RFC 8709). It is read to its last byte: what is kept here ends up in a guest's
/// <c>authorized_keys</c>.
/// </summary>
public static class SshPublicKey
{
    private const int MaxLength = 16_384;

    /// <summary>What follows a key's type, by type. <c>m</c> is a positive number, <c>c</c> a curve's name, anything else a text of so many bytes.</summary>
    private static readonly FrozenDictionary<string, string[]> Fields = new Dictionary<string, string[]>
    {
        ["ssh-rsa"] = ["m", "m"],
        ["ssh-dss"] = ["m", "m", "m", "m"],
        ["ssh-ed25519"] = ["32"],
        ["ecdsa-sha2-nistp256"] = ["c", "65"],
        ["ecdsa-sha2-nistp384"] = ["c", "97"],
        ["ecdsa-sha2-nistp521"] = ["c", "133"],
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The fingerprint of a key, or false when it is none.</summary>
    public static bool TryFingerprint(string text, [NotNullWhen(true)] out string? fingerprint)
    {
        fingerprint = null;
        if (text.Length > MaxLength || text.AsSpan().TrimEnd().IndexOfAny('\r', '\n') >= 0 || text.Split([' ', '\t'], 3) is not [var type, var encoded, ..])
        {
            return false;
        }

        var blob = new byte[encoded.Length];
        if (!Fields.TryGetValue(type, out var fields) || !Convert.TryFromBase64String(encoded.TrimEnd(), blob, out var length) || !IsKey(blob.AsSpan(0, length), type, fields))
        {
            return false;
        }

        fingerprint = FingerprintOf(blob.AsSpan(0, length));
        return true;
    }

    /// <summary>The fingerprint of an encoded key.</summary>
    [SuppressMessage("Security", "CA5351", Justification = "It is how Nova's clients know a key by sight, and secures nothing.")]
    public static string FingerprintOf(ReadOnlySpan<byte> blob) => string.Join(':', MD5.HashData(blob).Select(b => b.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));

    private static bool IsKey(ReadOnlySpan<byte> rest, string type, string[] fields)
    {
        if (!TryTake(ref rest, out var name) || !name.SequenceEqual(Encoding.ASCII.GetBytes(type)))
        {
            return false;
        }

        foreach (var field in fields)
        {
            if (!TryTake(ref rest, out var value))
            {
                return false;
            }

            var right = field switch
            {
                "m" => value.Length > 0 && value[0] < 0x80 && value.ContainsAnyExcept((byte)0),
                "c" => value.SequenceEqual(Encoding.ASCII.GetBytes(type[(type.LastIndexOf('-') + 1)..])),
                _ => value.Length == int.Parse(field, System.Globalization.CultureInfo.InvariantCulture) && (field == "32" || value[0] == 4),
            };
            if (!right)
            {
                return false;
            }
        }

        return rest.IsEmpty;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (rest.Length < 4 || BinaryPrimitives.ReadUInt32BigEndian(rest) is var length && length > rest.Length - 4)
        {
            return false;
        }

        value = rest.Slice(4, (int)length);
        rest = rest[(4 + (int)length)..];
        return true;
    }
}
