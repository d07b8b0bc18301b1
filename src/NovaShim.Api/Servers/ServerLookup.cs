using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers;

/// <summary>Finds the server a route names. Another tenant's is not there, nor is a deleted one.</summary>
internal sealed class ServerLookup(IDocumentStore store)
{
    /// <summary>The server of the route's <c>id</c>, or a 404.</summary>
    public Task<InstanceDocument> RequireAsync(ApiRequest request, CancellationToken cancellation) => RequireAsync(request, request.Route("id"), cancellation);

    /// <summary>The server of the route's <c>id</c>, or a 404; a 409 when it is locked and the user may not pass.</summary>
    public async Task<InstanceDocument> RequireUnlockedAsync(ApiRequest request, CancellationToken cancellation)
    {
        var instance = await RequireAsync(request, cancellation);
        return instance.Locked && !request.IsAdmin ? throw Fault.Conflict($"Instance {instance.Uuid} is locked") : instance;
    }

    private async Task<InstanceDocument> RequireAsync(ApiRequest request, string id, CancellationToken cancellation) =>
        await store.Collection<InstanceDocument>().GetAsync(id, cancellation) is { Deleted: false } found && (request.IsAdmin || found.ProjectId == request.ProjectId)
            ? found
            : throw Fault.NotFound($"Instance {id} could not be found.");
}
