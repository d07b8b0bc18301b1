using System.Text.Json;
using NovaShim.Api.Faults;
using NovaShim.Api.Limits;
using NovaShim.Api.Requests;
using NovaShim.Compute.ServerGroups;

namespace NovaShim.Api.ServerGroups;

/// <summary>
/// Reads the hints for the scheduler that stand beside the server in the body of a create. Hints that no filter of the scheduler knows are passed over, as Nova does with those of filters that are not enabled.
/// </summary>
internal sealed class HintsOfBody(ServerGroupShelf groups, HintedHosts hosts, Quotas quotas)
{
    /// <summary>The hints for so many servers at least; null when there are none.</summary>
    public async Task<SchedulerHints?> ReadAsync(ApiRequest request, BodyField root, BodyField server, int least, CancellationToken cancellation)
    {
        // In XML they are in the server, and their prefix is only a prefix.
        if ((root.Get("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints") ?? (request.IsLegacy ? server.Get("scheduler_hints") : null)) is not { IsEmpty: false } hints)
        {
            return null;
        }

        var group = hints.RequireObject().Get("group") is { IsEmpty: false } named ? await GroupAsync(request, named, least, cancellation) : null;
        var read = new SchedulerHints(group, ServersOf(hints.Get("same_host")), ServersOf(hints.Get("different_host")));
        return read is { Group: null, SameHost.Count: 0, DifferentHost.Count: 0 } ? null : read;
    }

    private async Task<string> GroupAsync(ApiRequest request, BodyField field, int least, CancellationToken cancellation)
    {
        var id = Guid.TryParse(field.Text(), out var uuid) ? uuid.ToString() : throw field.Invalid("Server group scheduler hint must be a UUID");
        var group = await groups.FindAsync(request, id, cancellation) is { } found && found.ProjectId == request.ProjectId ? found : throw Fault.BadRequest($"Instance group {id} could not be found.");
        var most = (await quotas.LimitsOfAsync(request, cancellation)).ServerGroupMembers;
        return most >= 0 && (await hosts.MembersAsync([group.Key], cancellation))[group.Key].Count() + least > most
            ? throw Fault.OverQuota(request.Surface, "Quota exceeded, too many servers in group")
            : group.Key;
    }

    private static IReadOnlyList<string> ServersOf(BodyField? field) =>
        field is not { IsEmpty: false } given ? [] : given.Element.ValueKind == JsonValueKind.Array ? [.. given.Items().Select(UuidOf)] : [UuidOf(given)];

    private static string UuidOf(BodyField field) => Guid.TryParse(field.Text(), out var uuid) ? uuid.ToString() : throw field.Invalid("the UUID of a server is expected");
}
