using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;

namespace NovaShim.Api.Hosts;

/// <summary>The zones that the compute services are in.</summary>
internal sealed class AvailabilityZones(IDocumentStore store, ServiceGroup group) : IComputeCapability
{
    private IDocumentCollection<ServiceDocument> Services => store.Collection<ServiceDocument>();

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-availability-zone", (_, cancellation) => ListAsync(withHosts: false, cancellation));
        routes.OnGet("/os-availability-zone/detail", (_, cancellation) => ListAsync(withHosts: true, cancellation)).AdminOnly();
    }

    /// <summary>The zone of a create body; a fault when there is none such, or when somebody but an administrator asks for a host by <c>zone:host</c>.</summary>
    public async Task<string> CheckAsync(ApiRequest request, BodyField field, CancellationToken cancellation)
    {
        var asked = field.Text(255);
        var (zone, host) = asked.Split(':', 2) is [var first, var second] ? (first, second) : (asked, null);
        if (host is not null && !request.IsAdmin)
        {
            throw Fault.Forbidden("Policy doesn't allow a host to be asked for by anybody but an administrator.");
        }

        var services = await ComputeAsync(cancellation);
        return services.Any(s => s.AvailabilityZone == zone && (host is null || s.Host == host))
            ? asked
            : throw Fault.BadRequest(host is null ? "The requested availability zone is not available" : $"Compute host {host} could not be found.");
    }

    private Task<IReadOnlyList<ServiceDocument>> ComputeAsync(CancellationToken cancellation) => Services.WhereAsync(s => s.Binary == ServiceGroup.ComputeBinary, cancellation);

    private async Task<Answer> ListAsync(bool withHosts, CancellationToken cancellation)
    {
        var zones = (await ComputeAsync(cancellation)).GroupBy(s => s.AvailabilityZone, StringComparer.Ordinal).OrderBy(z => z.Key, StringComparer.Ordinal);
        return Answer.Of(
            new AvailabilityZonesEnvelope([.. zones.Select(z => new ZoneView(
                z.Key, new ZoneState(z.Any(s => !s.Disabled)), withHosts ? z.GroupBy(s => s.Host, StringComparer.Ordinal).ToDictionary(h => h.Key, ServicesOf) : null))]),
            ApiJson.Default.AvailabilityZonesEnvelope);
    }

    private IReadOnlyDictionary<string, ZoneService> ServicesOf(IEnumerable<ServiceDocument> services) =>
        services.ToDictionary(s => s.Binary, s => new ZoneService(!s.Disabled, group.IsUp(s), Texts.DatabaseMoment(s.LastSeenUp)));
}
