using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Limits;
using NovaShim.Api.Metadata;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers;

/// <summary>A server's metadata.</summary>
internal sealed class ServerMetadataEndpoints(IDocumentStore store, ServerLookup lookup, Quotas quotas) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes) => new MetadataRoutes(async (request, cancellation) => (await lookup.RequireAsync(request, cancellation)).Metadata, ChangeAsync, "Metadata item was not found").Map(routes, "/servers/{id}");

    private async Task<IReadOnlyDictionary<string, string>> ChangeAsync(
        ApiRequest request, Func<IReadOnlyDictionary<string, string>, IReadOnlyDictionary<string, string>> change, CancellationToken cancellation)
    {
        var instance = await lookup.RequireUnlockedAsync(request, cancellation);
        var most = (await quotas.LimitsOfAsync(instance.ProjectId, instance.UserId, cancellation)).MetadataItems;
        var changed = await store.Collection<InstanceDocument>().UpdateAsync(
            instance.Key,
            i =>
            {
                var metadata = change(i.Metadata);
                MetadataRules.CheckCount(request, i.Metadata.Count, metadata.Count, most);
                return i.Deleted ? null : i with { Metadata = metadata };
            },
            cancellation);
        return changed?.Metadata ?? throw Fault.NotFound($"Instance {instance.Uuid} could not be found.");
    }
}
