using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;

namespace NovaShim.Api.Hosts;

/// <summary>The services and their heartbeats, for administrators; and the switch that keeps new work from one.</summary>
internal sealed class ServiceEndpoints(IDocumentStore store, ServiceGroup group) : IComputeCapability
{
    private IDocumentCollection<ServiceDocument> Services => store.Collection<ServiceDocument>();

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-services", ListAsync).AdminOnly();
        routes.OnPut("/os-services/enable", (request, cancellation) => SwitchAsync(request, disabled: false, cancellation)).AdminOnly();
        routes.OnPut("/os-services/disable", (request, cancellation) => SwitchAsync(request, disabled: true, cancellation)).AdminOnly();
        routes.OnPut("/os-services/disable-log-reason", (request, cancellation) => SwitchAsync(request, disabled: true, cancellation)).AdminOnly();
    }

    private async Task<Answer> ListAsync(ApiRequest request, CancellationToken cancellation)
    {
        var (host, binary) = (request.QueryValue("host"), request.QueryValue("binary"));
        var found = (await Services.ListAsync(Services.Query(), cancellation)).Where(s => (host is null || s.Host == host) && (binary is null || s.Binary == binary)).OrderBy(s => s.Id);
        return Answer.Of(
            new ServicesEnvelope([.. found.Select(s => new ServiceView
            {
                Id = s.Id, Binary = s.Binary, Host = s.Host, Zone = s.Binary == ServiceGroup.ComputeBinary ? s.AvailabilityZone : "internal",
                Status = s.Disabled ? "disabled" : "enabled",
                State = group.IsUp(s) ? "up" : "down", UpdatedAt = Texts.DatabaseMoment(s.LastSeenUp), DisabledReason = s.DisabledReason,
            })]),
            ApiJson.Default.ServicesEnvelope);
    }

    private async Task<Answer> SwitchAsync(ApiRequest request, bool disabled, CancellationToken cancellation)
    {
        var body = await request.BodyAsync(cancellation);
        var (host, binary) = (body.Require("host").Text(255), body.Require("binary").Text(255));
        var reason = disabled ? body.Get("disabled_reason")?.Text(255) : null;
        var service = await Services.FirstOrDefaultAsync(s => s.Host == host && s.Binary == binary, cancellation);
        if (service is null || await Services.UpdateAsync(service.Key, s => s with { Disabled = disabled, DisabledReason = reason }, cancellation) is null)
        {
            throw Fault.NotFound($"Could not find binary {binary} on host {host}.");
        }

        return Answer.Of(new ServiceEnvelope(new ServiceChange(host, binary, disabled ? "disabled" : "enabled", reason)), ApiJson.Default.ServiceEnvelope);
    }
}
