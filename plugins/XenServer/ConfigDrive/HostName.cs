using NovaShim.Sdk;

namespace NovaShim.XenServer.ConfigDrive;

/// <summary>The host name a server gets in its guest: its own name, as far as DNS allows it. Nova's rule.</summary>
internal static class HostName
{
    // A label of DNS.
    private const int Longest = 63;

    /// <summary>The host name of a server; where nothing is left of its name, one made of its UUID.</summary>
    public static string Of(Instance instance)
    {
        var letters = instance.DisplayName.Select(c => c is ' ' or '_' ? '-' : char.ToLowerInvariant(c)).Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.');
        var name = string.Concat(letters).Trim('.', '-');
        return name.Length == 0 ? "server-" + instance.Uuid : name[..Math.Min(name.Length, Longest)].TrimEnd('.', '-');
    }
}
