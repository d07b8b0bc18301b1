using System.Collections.Frozen;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Api.Servers.Actions;

namespace NovaShim.Api.Servers;

/// <summary>
/// What is done to a server: <c>POST /servers/{id}/action</c> with the verb as the body's one key, and the routes of 2011's administrators, which have the verb in the path.
/// </summary>
internal sealed class ServerActionEndpoints(IEnumerable<IServerActions> actions) : IComputeCapability
{
    /// <summary>The verbs of 2011 by their routes.</summary>
    private static readonly (string Route, string Action)[] Routes =
    [
        ("migrate", "migrate"), ("pause", "pause"), ("unpause", "unpause"), ("suspend", "suspend"), ("resume", "resume"), ("rescue", "rescue"), ("unrescue", "unrescue"), ("lock", "lock"), ("unlock", "unlock"),
        ("reset_network", "resetNetwork"), ("inject_network_info", "injectNetworkInfo"),
    ];

    private readonly FrozenDictionary<string, ServerActionHandler> _actions = actions.SelectMany(a => a.Actions).ToFrozenDictionary(a => a.Name, a => a.Handler, StringComparer.Ordinal);

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnPost("/servers/{id}/action", ActAsync);
        foreach (var (route, action) in Routes)
        {
            routes.OnPost($"/servers/{{id}}/{route}", (request, cancellation) => _actions[action](request, new BodyField(default, action), cancellation));
        }
    }

    private async Task<Answer> ActAsync(ApiRequest request, CancellationToken cancellation)
    {
        var body = await request.BodyAsync(cancellation);
        if (body.Names() is not [var name])
        {
            throw Fault.BadRequest("The body must have exactly one key: the action.");
        }

        return _actions.TryGetValue(name, out var action)
            ? await action(request, new BodyField(body.Element.GetProperty(name), name), cancellation)
            : throw Fault.BadRequest($"There is no such action: {name}");
    }
}
