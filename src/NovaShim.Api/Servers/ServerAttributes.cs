using System.Net.Sockets;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Servers;

/// <summary>What a user may say of a server when creating it and later on. Null: nothing was said.</summary>
/// <param name="Name">The name.</param>
/// <param name="AccessIpV4">The IPv4 address of access, as written.</param>
/// <param name="AccessIpV6">The IPv6 address of access, as written.</param>
/// <param name="DiskConfig"><c>AUTO</c> or <c>MANUAL</c>.</param>
internal sealed record ServerAttributes(string? Name, string? AccessIpV4, string? AccessIpV6, string? DiskConfig)
{
    /// <summary>The longest a name, a key or a value may be, in characters.</summary>
    public const int MaxText = 255;

    /// <summary>Reads and checks them.</summary>
    public static ServerAttributes Of(ApiRequest request, BodyField server) => new(
        server.Get("name") is { } name ? name.NameText(request.Surface) : null,
        server.Get("accessIPv4") is { } v4 ? AddressOf(v4, AddressFamily.InterNetwork) : null,
        server.Get("accessIPv6") is { } v6 ? AddressOf(v6, AddressFamily.InterNetworkV6) : null,
        server.Get("OS-DCF:diskConfig") is { } config ? DiskConfigOf(config) : null);

    /// <summary>A disk configuration.</summary>
    public static string DiskConfigOf(BodyField config) => config.Text() is "AUTO" or "MANUAL" ? config.Text() : throw config.Invalid("AUTO or MANUAL is expected");

    // An empty one takes it away.
    private static string AddressOf(BodyField field, AddressFamily family) => field.IsText && field.IsEmpty ? "" : field.Address(family);
}
