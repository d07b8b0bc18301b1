using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Flavors;

namespace NovaShim.Api.Flavors;

/// <summary>The flavors that there are, and who may see which: administrators all of them, others the public ones and those their tenant was given.</summary>
internal sealed class FlavorShelf(IDocumentStore store)
{
    private IDocumentCollection<FlavorDocument> Flavors => store.Collection<FlavorDocument>();

    /// <summary>A flavor the user may use, by the id that users see; null when there is none.</summary>
    public async Task<FlavorDocument?> FindAsync(ApiRequest request, string flavorId, CancellationToken cancellation) =>
        await Flavors.FirstOrDefaultAsync(f => f.FlavorId == flavorId && f.Deleted == 0, cancellation) is { } found && (request.IsAdmin || found.IsFor(request.ProjectId)) ? found : null;

    /// <summary>The flavor of the route's <c>id</c>, or a 404.</summary>
    public async Task<FlavorDocument> RequireAsync(ApiRequest request, CancellationToken cancellation) =>
        await FindAsync(request, request.Route("id"), cancellation) ?? throw NotFound(request);

    /// <summary>Changes the flavor of the route's <c>id</c>; a 404 when there is none. <paramref name="change"/> may throw a fault, and may run several times.</summary>
    public async Task<FlavorDocument> ChangeAsync(ApiRequest request, Func<FlavorDocument, FlavorDocument> change, CancellationToken cancellation) =>
        await Flavors.UpdateAsync((await RequireAsync(request, cancellation)).Key, f => f.Deleted == 0 ? change(f) : null, cancellation) ?? throw NotFound(request);

    /// <summary>The flavors there are with at least so much memory (MiB) and root disk (GiB), in no particular order.</summary>
    public Task<IReadOnlyList<FlavorDocument>> ListAsync(int leastMemoryMb, int leastRootGb, CancellationToken cancellation) =>
        Flavors.WhereAsync(f => f.Deleted == 0 && f.MemoryMb >= leastMemoryMb && f.RootGb >= leastRootGb, cancellation);

    /// <summary>Adds a flavor; a 409 when its id or its name is taken.</summary>
    public async Task<FlavorDocument> AddAsync(FlavorDocument flavor, CancellationToken cancellation)
    {
        try
        {
            return await Flavors.InsertAsync(flavor with { Id = await store.NextIdAsync<FlavorDocument>(cancellation) }, cancellation);
        }
        catch (DuplicateKeyException taken)
        {
            throw Fault.Conflict(taken.Index.Contains("name", StringComparison.Ordinal) ? $"Flavor with name {flavor.Name} already exists." : $"Flavor with ID {flavor.FlavorId} already exists.");
        }
    }

    private static FaultException NotFound(ApiRequest request) => Fault.NotFound($"Flavor {request.Route("id")} could not be found.");
}
