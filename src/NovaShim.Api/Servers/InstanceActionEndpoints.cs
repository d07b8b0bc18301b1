using System.Globalization;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers;

/// <summary>What was done to a server and how it went.</summary>
internal sealed class InstanceActionEndpoints(IDocumentStore store, ServerLookup lookup) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        // What administrators of 2011 had in its place.
        routes.OnGet("/servers/{id}/actions", async (request, cancellation) => Answer.Of(
            new LegacyActionsEnvelope([.. (await OfServerAsync(request, cancellation)).Reverse().Select(LegacyView)]), ApiJson.Default.LegacyActionsEnvelope)).AdminOnly();
        routes.OnGet("/servers/{id}/os-instance-actions", async (request, cancellation) => Answer.Of(
            new InstanceActionsEnvelope([.. (await OfServerAsync(request, cancellation)).Select(a => View(a, withEvents: false))]), ApiJson.Default.InstanceActionsEnvelope));
        routes.OnGet("/servers/{id}/os-instance-actions/{request_id}", async (request, cancellation) =>
            (await OfServerAsync(request, cancellation)).FirstOrDefault(a => a.RequestId == request.Route("request_id")) is { } found
                ? Answer.Of(new InstanceActionEnvelope(View(found, withEvents: request.IsAdmin)), ApiJson.Default.InstanceActionEnvelope)
                : throw Fault.NotFound($"Action for request_id {request.Route("request_id")} on instance {request.Route("id")} not found"));
    }

    private static LegacyActionView LegacyView(InstanceActionDocument a) => new(a.StartTime.ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture), a.Action, a.Message);

    private async Task<IEnumerable<InstanceActionDocument>> OfServerAsync(ApiRequest request, CancellationToken cancellation)
    {
        var instance = await lookup.RequireAsync(request, cancellation);
        return (await store.Collection<InstanceActionDocument>().WhereAsync(a => a.InstanceUuid == instance.Uuid, cancellation)).OrderByDescending(a => a.StartTime);
    }

    private static InstanceActionView View(InstanceActionDocument a, bool withEvents) => new()
    {
        Action = a.Action, InstanceUuid = a.InstanceUuid, Message = a.Message, ProjectId = a.ProjectId, RequestId = a.RequestId,
        StartTime = Texts.DatabaseMoment(a.StartTime), UserId = a.UserId,
        Events = !withEvents ? null :
        [
            .. a.Events.Select(e => new InstanceActionEventView
            {
                Event = e.Event, StartTime = Texts.DatabaseMoment(e.StartTime),
                FinishTime = e.FinishTime is { } end ? Texts.DatabaseMoment(end) : null, Result = e.Result, Traceback = e.Details,
            }),
        ],
    };
}
