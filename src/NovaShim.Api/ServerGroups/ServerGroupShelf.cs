using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.ServerGroups;

namespace NovaShim.Api.ServerGroups;

/// <summary>The server groups that there are, and who may see which: a tenant its own, an administrator all.</summary>
internal sealed class ServerGroupShelf(IDocumentStore store)
{
    private IDocumentCollection<ServerGroupDocument> Groups => store.Collection<ServerGroupDocument>();

    /// <summary>One, or null.</summary>
    public async Task<ServerGroupDocument?> FindAsync(ApiRequest request, string id, CancellationToken cancellation) =>
        await Groups.GetAsync(id, cancellation) is { } found && (request.IsAdmin || found.ProjectId == request.ProjectId) ? found : null;

    /// <summary>The group of the route's <c>id</c>, or a 404.</summary>
    public async Task<ServerGroupDocument> RequireAsync(ApiRequest request, CancellationToken cancellation) =>
        await FindAsync(request, request.Route("id"), cancellation) ?? throw Fault.NotFound($"Instance group {request.Route("id")} could not be found.");

    /// <summary>A tenant's, or every tenant's, oldest first.</summary>
    public async Task<IReadOnlyList<ServerGroupDocument>> ListAsync(string? projectId, CancellationToken cancellation)
    {
        var all = Groups.Query();
        return [.. (await Groups.ListAsync(projectId is null ? all : all.Where(g => g.ProjectId == projectId), cancellation)).OrderBy(g => g.CreatedAt).ThenBy(g => g.Key, StringComparer.Ordinal)];
    }

    /// <summary>How many a tenant has, or a user in it.</summary>
    public async Task<int> CountAsync(string projectId, string? userId, CancellationToken cancellation) =>
        (int)await Groups.CountAsync(g => g.ProjectId == projectId && (userId == null || g.UserId == userId), cancellation);

    /// <summary>Adds one; false, and it is not there, when the user then has more than <paramref name="most"/>. Two who add at once may both be refused, but never both succeed with the last.</summary>
    public async Task<bool> AddAsync(ServerGroupDocument group, int most, CancellationToken cancellation)
    {
        if (most >= 0 && await CountAsync(group.ProjectId, null, cancellation) >= most)
        {
            return false;
        }

        var added = await Groups.InsertAsync(group, cancellation);
        if (most < 0 || await CountAsync(group.ProjectId, null, cancellation) <= most)
        {
            return true;
        }

        await RemoveAsync(added.Key, CancellationToken.None);
        return false;
    }

    /// <summary>Removes one.</summary>
    public async Task RemoveAsync(string id, CancellationToken cancellation)
    {
        while (await Groups.GetAsync(id, cancellation) is { } group && !await Groups.DeleteAsync(group, cancellation))
        {
            // A member was placed meanwhile.
        }
    }
}
