using System.Globalization;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Aggregates;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Hosts;

/// <summary>The services and their heartbeats, for administrators; and the switch that keeps new work from one.</summary>
internal sealed class ServiceEndpoints(IDocumentStore store, ServiceGroup group, HostZones zones, AggregateApi aggregates) : IComputeCapability
{
    private IDocumentCollection<ServiceDocument> Services => store.Collection<ServiceDocument>();

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-services", ListAsync).AdminOnly();
        routes.OnPut("/os-services/enable", (request, cancellation) => SwitchAsync(request, disabled: false, withReason: false, cancellation)).AdminOnly();
        routes.OnPut("/os-services/disable", (request, cancellation) => SwitchAsync(request, disabled: true, withReason: false, cancellation)).AdminOnly();
        routes.OnPut("/os-services/disable-log-reason", (request, cancellation) => SwitchAsync(request, disabled: true, withReason: true, cancellation)).AdminOnly();
        routes.OnDelete("/os-services/{id}", DeleteAsync).AdminOnly();
    }

    private async Task<Answer> ListAsync(ApiRequest request, CancellationToken cancellation)
    {
        var (host, binary) = (request.QueryValue("host"), request.QueryValue("binary"));
        var zoneOfHost = await zones.MapAsync(cancellation);
        var found = (await Services.ListAsync(Services.Query(), cancellation)).Where(s => (host is null || s.Host == host) && (binary is null || s.Binary == binary)).OrderBy(s => s.Id);
        return Answer.Of(
            new ServicesEnvelope([.. found.Select(s => new ServiceView
            {
                Id = s.Id, Binary = s.Binary, Host = s.Host, Zone = AvailabilityZones.ZoneOf(s, zoneOfHost), Status = s.Disabled ? "disabled" : "enabled",
                State = group.IsUp(s) ? "up" : "down", UpdatedAt = Texts.DatabaseMoment(s.LastSeenUp), DisabledReason = s.DisabledReason,
            })]),
            ApiJson.Default.ServicesEnvelope);
    }

    private async Task<Answer> SwitchAsync(ApiRequest request, bool disabled, bool withReason, CancellationToken cancellation)
    {
        var root = await request.BodyAsync(cancellation);

        // In XML what JSON has at its root stands in an element.
        var body = (root.Names() is ["service"] && root.Get("service") is { IsObject: true } wrapped ? wrapped : root).Only(request.Surface, "host", "binary", "disabled_reason");
        var (host, binary) = (body.Require("host").Text(255), body.Require("binary").Text(255));
        var reason = withReason ? body.Require("disabled_reason").Text(255) : null;
        var service = await Services.FirstOrDefaultAsync(s => s.Host == host && s.Binary == binary, cancellation);
        if (service is null || await Services.UpdateAsync(service.Key, s => s with { Disabled = disabled, DisabledReason = reason }, cancellation) is null)
        {
            throw Fault.NotFound($"Could not find binary {binary} on host {host}.");
        }

        return Answer.Of(new ServiceEnvelope(new ServiceChange(host, binary, disabled ? "disabled" : "enabled", reason)), ApiJson.Default.ServiceEnvelope);
    }

    /// <summary>
    /// Forgets a service that is no more, and with a compute service its host. The service's own row goes last: dying before leaves it, and the request to be repeated. A service that still
    /// lives is there again at its next heartbeat.
    /// </summary>
    private async Task<Answer> DeleteAsync(ApiRequest request, CancellationToken cancellation)
    {
        var service = int.TryParse(request.Route("id"), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? await Services.FirstOrDefaultAsync(s => s.Id == id, cancellation) : null;
        if (service is null)
        {
            throw Fault.NotFound($"Service {request.Route("id")} not found.");
        }

        if (service.Binary == ServiceGroup.ComputeBinary)
        {
            var host = service.Host;
            if (await store.Collection<InstanceDocument>().CountAsync(i => i.Host == host && !i.Deleted, cancellation) > 0)
            {
                throw Fault.Conflict("Unable to delete compute service that is hosting instances. Migrate or delete the instances first.");
            }

            await aggregates.ForgetHostAsync(host, cancellation);
            var nodes = store.Collection<ComputeNodeDocument>();
            while (await nodes.GetAsync(host, cancellation) is { } node)
            {
                await nodes.DeleteAsync(node, cancellation);
            }
        }

        while (await Services.GetAsync(service.Key, cancellation) is { } now && !await Services.DeleteAsync(now, cancellation))
        {
            // A heartbeat came in between.
        }

        return Answer.NoContent;
    }
}
