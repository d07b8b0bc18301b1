using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Aggregates;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Hosts;

/// <summary>
/// The hosts and who uses them, for administrators. A host is kept from new servers by its service's switch; maintenance mode and power are nothing that drivers have, and Nova's fault for such a
/// driver is what asks for them get.
/// </summary>
internal sealed class HostEndpoints(IDocumentStore store, HostZones zones) : IComputeCapability
{
    private IDocumentCollection<ServiceDocument> Services => store.Collection<ServiceDocument>();

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-hosts", ListAsync).AdminOnly();
        routes.OnGet("/os-hosts/{host}", ShowAsync).AdminOnly();
        routes.OnPut("/os-hosts/{host}", UpdateAsync).AdminOnly();
        foreach (var action in new[] { "startup", "shutdown", "reboot" })
        {
            routes.OnGet($"/os-hosts/{{host}}/{action}", async (request, cancellation) =>
            {
                await RequireAsync(request, cancellation);
                throw NotSupported();
            }).AdminOnly();
        }
    }

    private async Task<Answer> ListAsync(ApiRequest request, CancellationToken cancellation)
    {
        var (zone, topic) = (request.QueryValue("zone"), request.QueryValue("service"));
        var zoneOfHost = await zones.MapAsync(cancellation);
        var found = (await Services.WhereAsync(s => !s.Disabled, cancellation)).OrderBy(s => s.Id).Select(s => new HostView(s.Host, s.Topic, AvailabilityZones.ZoneOf(s, zoneOfHost)));
        return Answer.Of(new HostsEnvelope([.. found.Where(h => (zone is null || h.Zone == zone) && (topic is null || h.Service == topic))]), ApiJson.Default.HostsEnvelope);
    }

    private async Task<Answer> ShowAsync(ApiRequest request, CancellationToken cancellation)
    {
        var host = request.Route("host");
        var node = await store.Collection<ComputeNodeDocument>().GetAsync(host, cancellation) ?? throw NotFound(host);
        var servers = await store.Collection<InstanceDocument>().WhereAsync(i => i.Host == host && !i.Deleted, cancellation);
        HostResourceView Sum(string project, IEnumerable<InstanceDocument> of) =>
            new(new HostResource(host, project, of.Sum(i => i.Flavor.Vcpus), of.Sum(i => i.Flavor.MemoryMb), of.Sum(i => i.Flavor.RootGb + i.Flavor.EphemeralGb)));
        return Answer.Of(
            new HostEnvelope(
            [
                new(new HostResource(host, "(total)", node.Stats.Vcpus, node.Stats.MemoryMb, node.Stats.LocalGb)),
                new(new HostResource(host, "(used_now)", node.VcpusUsed(), node.MemoryMbUsed(), node.LocalGbUsed())),
                Sum("(used_max)", servers),
                .. servers.GroupBy(i => i.ProjectId, StringComparer.Ordinal).OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => Sum(p.Key, p)),
            ]),
            ApiJson.Default.HostEnvelope);
    }

    private async Task<Answer> UpdateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var root = await request.BodyAsync(cancellation);
        var body = (root.Names() is ["updates"] && root.Get("updates") is { IsObject: true } wrapped ? wrapped : root);
        if (body.Names().FirstOrDefault(n => n is not ("status" or "maintenance_mode")) is { } unknown)
        {
            throw Fault.BadRequest($"Invalid update setting: '{unknown}'");
        }

        var status = body.Get("status") is { } asked ? IsEnable(asked) : (bool?)null;
        var maintenance = body.Get("maintenance_mode") is { } mode ? IsEnable(mode) : (bool?)null;
        if (status is null && maintenance is null)
        {
            throw Fault.BadRequest("Invalid input for field/attribute status: a status or a maintenance_mode is required.");
        }

        var service = await RequireAsync(request, cancellation);
        if (maintenance is not null)
        {
            throw NotSupported();
        }

        var disabled = !status!.Value;
        return await Services.UpdateAsync(service.Key, s => s with { Disabled = disabled, DisabledReason = disabled ? s.DisabledReason : null }, cancellation) is null
            ? throw NotFound(service.Host)
            : Answer.Of(new HostChange(service.Host, disabled ? "disabled" : "enabled"), ApiJson.Default.HostChange);
    }

    private async Task<ServiceDocument> RequireAsync(ApiRequest request, CancellationToken cancellation)
    {
        var host = request.Route("host");
        return await Services.FirstOrDefaultAsync(s => s.Host == host && s.Binary == ServiceGroup.ComputeBinary, cancellation) ?? throw NotFound(host);
    }

    private static bool IsEnable(BodyField field) => field.Text().Trim().ToUpperInvariant() switch
    {
        "ENABLE" => true,
        "DISABLE" => false,
        _ => throw field.Invalid("enable or disable is expected"),
    };

    private static FaultException NotFound(string host) => Fault.NotFound($"Compute host {host} could not be found.");

    private static FaultException NotSupported() => new(StatusCodes.Status501NotImplemented, "The requested functionality is not supported.");
}
