using System.Text.RegularExpressions;

namespace NovaShim.XenServer.Dom0;

/// <summary>What is taken for a host, a user and a key before it is written into a file that sshd or ssh reads: these come from other hosts.</summary>
internal static partial class SshSyntax
{
    /// <summary>A host name, an IPv4 or an IPv6 address (without brackets).</summary>
    public static bool IsHost(string text) => HostPattern().IsMatch(text);

    /// <summary>A plain user name.</summary>
    public static bool IsUser(string text) => UserPattern().IsMatch(text);

    /// <summary>Reads <c>type base64 [comment]</c>, on one line; the comment is dropped.</summary>
    public static bool TryPublicKey(string text, out (string Type, byte[] Blob) key)
    {
        key = default;
        if (PublicKeyPattern().Match(text.Trim()) is not { Success: true } match)
        {
            return false;
        }

        try
        {
            key = (match.Groups[1].Value, Convert.FromBase64String(match.Groups[2].Value));
            return key.Blob.Length > 16;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    /// <summary>A public key as <c>type base64</c>, whatever comment it came with.</summary>
    /// <exception cref="FormatException">It is no public key.</exception>
    public static string PublicKey(string text) =>
        TryPublicKey(text, out var key) ? $"{key.Type} {Convert.ToBase64String(key.Blob)}" : throw new FormatException("This is no SSH public key.");

    [GeneratedRegex(@"\A[A-Za-z0-9:]([A-Za-z0-9.:_-]{0,252}[A-Za-z0-9])?\z")]
    private static partial Regex HostPattern();

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_.-]{0,31}\z")]
    private static partial Regex UserPattern();

    [GeneratedRegex(@"\A((?:ssh|ecdsa|sk)-[a-z0-9@.-]{1,60}) ([A-Za-z0-9+/]{32,8192}={0,2})( [^\r\n]*)?\z")]
    private static partial Regex PublicKeyPattern();
}
