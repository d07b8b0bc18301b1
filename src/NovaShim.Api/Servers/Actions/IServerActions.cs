using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Servers.Actions;

/// <summary>Does one action: the request, and what stands in its body under the action's name.</summary>
internal delegate Task<Answer> ServerActionHandler(ApiRequest request, BodyField body, CancellationToken cancellation);

/// <summary>Some of what can be done to a server.</summary>
internal interface IServerActions
{
    /// <summary>The actions by the key that asks for them.</summary>
    IEnumerable<(string Name, ServerActionHandler Handler)> Actions { get; }
}
