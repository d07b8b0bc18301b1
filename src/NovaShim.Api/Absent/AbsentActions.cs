using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Api.Servers;
using NovaShim.Api.Servers.Actions;

namespace NovaShim.Api.Absent;

/// <summary>The actions on a server that Nova passes on to its service of networks, which there is not.</summary>
internal sealed class AbsentActions(ServerLookup lookup) : IServerActions
{
    /// <inheritdoc/>
    public IEnumerable<(string Name, ServerActionHandler Handler)> Actions =>
    [
        ("addFixedIp", Reading((surface, body) => _ = NetworkId(body.Only(surface, "networkId").Require("networkId")))),
        ("removeFixedIp", Reading((surface, body) => _ = body.Only(surface, "address").Require("address").Address())),
        ("addFloatingIp", Reading((surface, body) => _ = (body.Only(surface, "address", "fixed_address").Require("address").Address(), body.Get("fixed_address")?.Address()))),
        ("removeFloatingIp", Reading((surface, body) => _ = body.Only(surface, "address").Require("address").Address())),
    ];

    // Ids of networks were numbers once.
    private static string NetworkId(BodyField field) => field.Id() is { Length: >= 1 and <= 255 } id ? id : throw field.Invalid("an id of at most 255 characters is expected");

    private ServerActionHandler Reading(Action<Surface, BodyField> read) => async (request, body, cancellation) =>
    {
        await lookup.RequireUnlockedAsync(request, cancellation);
        read(request.Surface, body.RequireObject());
        throw AbsentServices.NotSupported();
    };
}
