using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Aggregates;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;

namespace NovaShim.Api.Hosts;

/// <summary>The zones that the compute services are in.</summary>
internal sealed class AvailabilityZones(IDocumentStore store, ServiceGroup group, HostZones zones) : IComputeCapability
{
    private IDocumentCollection<ServiceDocument> Services => store.Collection<ServiceDocument>();

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-availability-zone", (_, cancellation) => ListAsync(withHosts: false, cancellation));
        routes.OnGet("/os-availability-zone/detail", (_, cancellation) => ListAsync(withHosts: true, cancellation)).AdminOnly();
    }

    /// <summary>The zone that a service is shown in.</summary>
    public static string ZoneOf(ServiceDocument service, IReadOnlyDictionary<string, string> zoneOfHost) =>
        service.Binary == ServiceGroup.ComputeBinary ? zoneOfHost.GetValueOrDefault(service.Host, HostZones.Default) : HostZones.Internal;

    /// <summary>The zone of a create body; a fault when there is none such, or when somebody but an administrator asks for a host by <c>zone:host</c>.</summary>
    public async Task<string> CheckAsync(ApiRequest request, BodyField field, CancellationToken cancellation)
    {
        var asked = field.Text(255);
        var (zone, host) = asked.Split(':', 2) is [var first, var second] ? (first, second) : (asked, null);
        if (host is not null && !request.IsAdmin)
        {
            throw Fault.Forbidden("Policy doesn't allow a host to be asked for by anybody but an administrator.");
        }

        var zoneOfHost = await zones.MapAsync(cancellation);
        var services = await Services.WhereAsync(s => s.Binary == ServiceGroup.ComputeBinary, cancellation);
        return services.Any(s => ZoneOf(s, zoneOfHost) == zone && (host is null || s.Host == host))
            ? asked
            : throw Fault.BadRequest(host is null ? "The requested availability zone is not available" : $"Compute host {host} could not be found.");
    }

    private async Task<Answer> ListAsync(bool withHosts, CancellationToken cancellation)
    {
        // Services that drive no host are in a zone of their own, which is nobody's to build in: only the detail shows it.
        var zoneOfHost = await zones.MapAsync(cancellation);
        var services = (await Services.ListAsync(Services.Query(), cancellation)).Where(s => withHosts || s.Binary == ServiceGroup.ComputeBinary);
        var byZone = services.GroupBy(s => ZoneOf(s, zoneOfHost), StringComparer.Ordinal).OrderBy(z => z.Key, StringComparer.Ordinal);
        return Answer.Of(
            new AvailabilityZonesEnvelope([.. byZone.Select(z => new ZoneView(
                z.Key, new ZoneState(z.Any(s => !s.Disabled)), withHosts ? z.GroupBy(s => s.Host, StringComparer.Ordinal).ToDictionary(h => h.Key, ServicesOf) : null))]),
            ApiJson.Default.AvailabilityZonesEnvelope);
    }

    private IReadOnlyDictionary<string, ZoneService> ServicesOf(IEnumerable<ServiceDocument> services) =>
        services.ToDictionary(s => s.Binary, s => new ZoneService(!s.Disabled, group.IsUp(s), Texts.DatabaseMoment(s.LastSeenUp)));
}
