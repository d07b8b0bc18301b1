using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Api.Servers;
using NovaShim.Api.Servers.Actions;

namespace NovaShim.Api.Absent;

/// <summary>The actions on a server that Nova passes on to its service of networks, which there is not.</summary>
internal sealed class AbsentActions(ServerLookup lookup) : IServerActions
{
    public IEnumerable<(string Name, ServerActionHandler Handler)> Actions =>
        [("addFixedIp", With("networkId")), ("removeFixedIp", With("address")), ("addFloatingIp", With("address")), ("removeFloatingIp", With("address"))];

    // Ids of networks were numbers once.
    private ServerActionHandler With(string argument) => async (request, body, cancellation) =>
    {
        await lookup.RequireUnlockedAsync(request, cancellation);
        body.RequireObject().Require(argument).Id();
        throw AbsentServices.NotSupported();
    };
}
