using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Hosts;

/// <summary>What the hosts have and what is claimed of it, for administrators.</summary>
internal sealed class HypervisorEndpoints(IDocumentStore store, ServiceGroup group) : IComputeCapability
{
    private IDocumentCollection<ComputeNodeDocument> Nodes => store.Collection<ComputeNodeDocument>();

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-hypervisors", (_, cancellation) => ListAsync(Short, cancellation)).AdminOnly();
        routes.OnGet("/os-hypervisors/detail", (_, cancellation) => ListAsync(Detail, cancellation)).AdminOnly();
        routes.OnGet("/os-hypervisors/statistics", StatisticsAsync).AdminOnly();
        routes.OnGet("/os-hypervisors/{id}", ShowAsync).AdminOnly();
        routes.OnGet("/os-hypervisors/{id}/uptime", UptimeAsync).AdminOnly();
        routes.OnGet("/os-hypervisors/{pattern}/search", (request, cancellation) => SearchAsync(request, withServers: false, cancellation)).AdminOnly();
        routes.OnGet("/os-hypervisors/{pattern}/servers", (request, cancellation) => SearchAsync(request, withServers: true, cancellation)).AdminOnly();
    }

    private async Task<Answer> ListAsync(Func<ComputeNodeDocument, ServiceDocument?, HypervisorView> view, CancellationToken cancellation) =>
        Answer.Of(new HypervisorsEnvelope([.. (await AllAsync(cancellation)).Select(n => view(n.Node, n.Service))]), ApiJson.Default.HypervisorsEnvelope);

    private async Task<Answer> ShowAsync(ApiRequest request, CancellationToken cancellation)
    {
        var (node, service) = await RequireAsync(request, cancellation);
        return Answer.Of(new HypervisorEnvelope(Detail(node, service)), ApiJson.Default.HypervisorEnvelope);
    }

    /// <summary>How long the host is up, in the words of Unix. Who is logged in and how busy it is nobody says here.</summary>
    private async Task<Answer> UptimeAsync(ApiRequest request, CancellationToken cancellation)
    {
        var (node, service) = await RequireAsync(request, cancellation);
        var booted = node.Stats.BootedAt ?? throw new FaultException(StatusCodes.Status501NotImplemented, "Virt driver does not implement uptime function.");
        if (service is null || !group.IsUp(service))
        {
            throw Fault.BadRequest($"Compute service of {node.Host} is unavailable at this time.");
        }

        var (now, up) = (request.Timestamp, request.Timestamp - booted);
        var text = string.Create(CultureInfo.InvariantCulture, $" {now:HH:mm:ss} up {up.Days} days, {up.Hours,2}:{up.Minutes:00}");
        return Answer.Of(new HypervisorEnvelope(Short(node, service) with { Uptime = text }), ApiJson.Default.HypervisorEnvelope);
    }

    private async Task<(ComputeNodeDocument Node, ServiceDocument? Service)> RequireAsync(ApiRequest request, CancellationToken cancellation)
    {
        var found = int.TryParse(request.Route("id"), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? (await AllAsync(cancellation)).FirstOrDefault(n => n.Node.Id == id)
            : default;
        return found.Node is null ? throw Fault.NotFound($"Hypervisor with ID '{request.Route("id")}' could not be found.") : found;
    }

    private async Task<Answer> SearchAsync(ApiRequest request, bool withServers, CancellationToken cancellation)
    {
        var pattern = request.Route("pattern");
        var found = (await AllAsync(cancellation)).Where(n => n.Node.Stats.HypervisorHostname.Contains(pattern, StringComparison.OrdinalIgnoreCase)).ToList();
        if (found.Count == 0)
        {
            throw Fault.NotFound($"No hypervisor matching '{pattern}' could be found.");
        }

        var views = new List<HypervisorView>();
        foreach (var (node, service) in found)
        {
            var host = node.Host;
            var servers = withServers ? await store.Collection<InstanceDocument>().WhereAsync(i => i.Host == host && !i.Deleted, cancellation) : [];
            views.Add(Short(node, service) with { Servers = servers.Count == 0 ? null : [.. servers.Select(i => new HypervisorServer(i.Uuid, InstanceRecord.NameOf(i.Id)))] });
        }

        return Answer.Of(new HypervisorsEnvelope(views), ApiJson.Default.HypervisorsEnvelope);
    }

    private async Task<Answer> StatisticsAsync(ApiRequest request, CancellationToken cancellation)
    {
        var all = (await AllAsync(cancellation)).Select(n => Detail(n.Node, n.Service)).ToList();
        int Sum(Func<HypervisorView, int?> figure) => all.Sum(figure) ?? 0;
        return Answer.Of(
            new HypervisorStatisticsEnvelope(new HypervisorStatistics
            {
                Count = all.Count, CurrentWorkload = Sum(h => h.CurrentWorkload), DiskAvailableLeast = Sum(h => h.DiskAvailableLeast),
                FreeDiskGb = Sum(h => h.FreeDiskGb), FreeRamMb = Sum(h => h.FreeRamMb),
                LocalGb = Sum(h => h.LocalGb), LocalGbUsed = Sum(h => h.LocalGbUsed), MemoryMb = Sum(h => h.MemoryMb),
                MemoryMbUsed = Sum(h => h.MemoryMbUsed), RunningVms = Sum(h => h.RunningVms),
                Vcpus = Sum(h => h.Vcpus), VcpusUsed = Sum(h => h.VcpusUsed),
            }),
            ApiJson.Default.HypervisorStatisticsEnvelope);
    }

    private async Task<IReadOnlyList<(ComputeNodeDocument Node, ServiceDocument? Service)>> AllAsync(CancellationToken cancellation)
    {
        var services = (await store.Collection<ServiceDocument>().WhereAsync(s => s.Binary == ServiceGroup.ComputeBinary, cancellation)).ToDictionary(s => s.Host, StringComparer.Ordinal);
        return [.. (await Nodes.ListAsync(Nodes.Query().OrderBy(n => n.Id), cancellation)).Select(n => (n, services.GetValueOrDefault(n.Host)))];
    }

    private HypervisorView Short(ComputeNodeDocument node, ServiceDocument? service) => new()
    {
        Id = node.Id, HypervisorHostname = node.Stats.HypervisorHostname, State = service is not null && group.IsUp(service) ? "up" : "down",
        Status = service is { Disabled: true } ? "disabled" : "enabled",
    };

    private HypervisorView Detail(ComputeNodeDocument node, ServiceDocument? service)
    {
        var stats = node.Stats;
        return Short(node, service) with
        {
            CpuInfo = stats.CpuInfo, CurrentWorkload = 0, DiskAvailableLeast = stats.LocalGb - node.LocalGbUsed(), HostIp = stats.HostIp,
            FreeDiskGb = stats.LocalGb - node.LocalGbUsed(),
            FreeRamMb = stats.MemoryMb - node.MemoryMbUsed(), HypervisorType = stats.HypervisorType, HypervisorVersion = stats.HypervisorVersion,
            LocalGb = stats.LocalGb, LocalGbUsed = node.LocalGbUsed(),
            MemoryMb = stats.MemoryMb, MemoryMbUsed = node.MemoryMbUsed(), RunningVms = node.Claims.Count, Vcpus = stats.Vcpus, VcpusUsed = node.VcpusUsed(),
            Service = new HypervisorService(service?.Id ?? 0, node.Host, service?.DisabledReason),
        };
    }
}
