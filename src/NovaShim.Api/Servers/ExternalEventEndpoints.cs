using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers;

/// <summary>
/// What another service tells of servers, for administrators. A network that changed is told to the server's VM; of plugged and unplugged interfaces nobody here waits to hear, and they are dropped as Nova drops an
/// event that nobody waits for.
/// </summary>
internal sealed class ExternalEventEndpoints(IDocumentStore store, ComputeApi compute) : IComputeCapability
{
    private const string NetworkChanged = "network-changed";

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes) => routes.OnPost("/os-server-external-events", TellAsync).AdminOnly();

    private async Task<Answer> TellAsync(ApiRequest request, CancellationToken cancellation)
    {
        var body = (await request.BodyAsync(cancellation)).Only(request.Surface, "events");
        var told = body.Require("events");
        var events = told.Items().Select(e => Read(request, e)).ToList();
        if (events.Count == 0)
        {
            throw told.Invalid("at least one event is expected");
        }

        var answered = new List<ExternalEvent>();
        foreach (var e in events)
        {
            var server = await store.Collection<InstanceDocument>().GetAsync(e.ServerUuid, cancellation) is { Deleted: false } found ? found : null;
            answered.Add(server switch
            {
                null => e with { Status = "failed", Code = StatusCodes.Status404NotFound },
                { Host: null } => e with { Status = "failed", Code = StatusCodes.Status422UnprocessableEntity },
                _ => e with { Status = "completed", Code = StatusCodes.Status200OK },
            });
            if (server?.Host is not null && e.Name == NetworkChanged)
            {
                await RefreshAsync(server, request, cancellation);
            }
        }

        return answered.All(e => e.Status == "failed")
            ? throw Fault.NotFound("No instances found for any event")
            : Answer.Of(
                new ExternalEventsEnvelope(answered), ApiJson.Default.ExternalEventsEnvelope, answered.Any(e => e.Status == "failed") ? StatusCodes.Status207MultiStatus : StatusCodes.Status200OK);
    }

    private async Task RefreshAsync(InstanceDocument server, ApiRequest request, CancellationToken cancellation)
    {
        try
        {
            await compute.ActAsync(server, ServerAction.InjectNetworkInfo, request.Context, cancellation);
        }
        catch (InstanceInvalidStateException)
        {
            // Whatever is done to it just now reads its addresses anyway.
        }
    }

    private static ExternalEvent Read(ApiRequest request, BodyField e)
    {
        e.RequireObject().Only(request.Surface, "server_uuid", "name", "status", "tag");
        var (uuid, name, status, tag) = (e.Require("server_uuid"), e.Require("name"), e.Get("status"), e.Get("tag"));
        return new ExternalEvent(
            Guid.TryParse(uuid.Text(), out var id) ? id.ToString() : throw uuid.Invalid("a UUID is expected"),
            name.Text() is NetworkChanged or "network-vif-plugged" or "network-vif-unplugged" or "network-vif-deleted" ? name.Text() : throw name.Invalid("it is none of Nova's events"),
            status is null || status.Value.Text() is "failed" or "completed" or "in-progress" ? "completed" : throw status.Value.Invalid("failed, completed or in-progress is expected"),
            tag is null || tag.Value.Text().Length <= 255 ? tag?.Text() : throw tag.Value.Invalid("it must not be longer than 255 characters"), 0);
    }
}

/// <summary>An event, and what became of it.</summary>
/// <param name="ServerUuid">The server.</param>
/// <param name="Name">What happened.</param>
/// <param name="Status"><c>completed</c> or <c>failed</c>.</param>
/// <param name="Tag">To what of the server.</param>
/// <param name="Code">200, 404 for no such server, 422 for one without a host.</param>
internal sealed record ExternalEvent(string ServerUuid, string Name, string Status, string? Tag, int Code);

/// <summary>Events.</summary>
internal sealed record ExternalEventsEnvelope(IReadOnlyList<ExternalEvent> Events);
