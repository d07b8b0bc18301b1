using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Aggregates;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers;

/// <summary>Servers: list, show, update, delete. What makes one is in <see cref="ServerCreation"/>, what is done to one in <see cref="ServerActionEndpoints"/>.</summary>
internal sealed class ServerEndpoints(IDocumentStore store, ComputeApi compute, ServerLookup lookup, ServerCreation creation, HostZones zones) : IComputeCapability
{
    private const int Batch = 500;

    private static readonly string[] Changeable = ["name", "accessIPv4", "accessIPv6", "OS-DCF:diskConfig"];

    private IDocumentCollection<InstanceDocument> Instances => store.Collection<InstanceDocument>();

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/servers", (request, cancellation) => ListAsync(request, ServerViews.Short, cancellation));
        routes.OnGet("/servers/detail", async (request, cancellation) =>
        {
            await ReadZonesAsync(request, cancellation);
            return await ListAsync(request, ServerViews.Full, cancellation);
        });
        routes.OnPost("/servers", creation.CreateAsync);
        routes.OnGet("/servers/{id}", async (request, cancellation) =>
        {
            var instance = await lookup.RequireAsync(request, cancellation);
            await ReadZonesAsync(request, cancellation);
            return Answer.Of(new ServerEnvelope(ServerViews.Full(request, instance)), ApiJson.Default.ServerEnvelope);
        });
        routes.OnPut("/servers/{id}", UpdateAsync);
        routes.OnDelete("/servers/{id}", async (request, cancellation) =>
        {
            await compute.DeleteAsync(await lookup.RequireUnlockedAsync(request, cancellation), request.Context, cancellation);
            return Answer.NoContent;
        });
        routes.OnGet("/servers/{id}/ips", async (request, cancellation) =>
            Answer.Of(new AddressesEnvelope(ServerViews.AddressesOf(await lookup.RequireAsync(request, cancellation), withType: false)), ApiJson.Default.AddressesEnvelope));
        routes.OnGet("/servers/{id}/ips/{network}", async (request, cancellation) =>
        {
            var network = request.Route("network");
            var addresses = ServerViews.AddressesOf(await lookup.RequireAsync(request, cancellation), withType: false);
            return addresses.TryGetValue(network, out var found)
                ? Answer.Of(new NetworkEnvelope { [network] = found }, ApiJson.Default.NetworkEnvelope)
                : throw Fault.NotFound("Instance is not a member of specified network");
        });
    }

    /// <summary>A server is in the zone that its host is in now; only today's surface shows it.</summary>
    private async Task ReadZonesAsync(ApiRequest request, CancellationToken cancellation)
    {
        if (!request.IsLegacy)
        {
            request.ZoneOfHost = await zones.MapAsync(cancellation);
        }
    }

    private async Task<Answer> ListAsync(ApiRequest request, Func<ApiRequest, InstanceDocument, ServerView> view, CancellationToken cancellation)
    {
        var paging = Paging.Of(request);
        var filter = ServerFilter.Of(request);
        var sort = ServerSort.Of(request);
        var marker = paging.Marker is { } given ? await FindMarkerAsync(request, given, cancellation) : null;
        var page = filter.AskedForNothing ? []
            : sort is null ? await PageAsync(filter, paging.Limit, marker?.Id ?? int.MaxValue, cancellation)
            : [.. (await PageAsync(filter, int.MaxValue, int.MaxValue, cancellation)).Order(sort).SkipWhile(i => marker is not null && sort.Compare(i, marker) <= 0).Take(paging.Limit)];

        // What is stored has been read before the first byte goes out: a store that fails halfway is a fault, and not half a document.
        return Answer.Of(
            new ServersEnvelope(page.Select(i => view(request, i)), paging.NextLinks(request, page.Count, page.LastOrDefault()?.Uuid)), ApiJson.Default.ServersEnvelope);
    }

    /// <summary>Newest first. Nova's integer ids are handed out in the order of creation, so they are what the pages run by.</summary>
    private async Task<List<InstanceDocument>> PageAsync(ServerFilter filter, int limit, int below, CancellationToken cancellation)
    {
        var page = new List<InstanceDocument>();
        while (page.Count < limit)
        {
            var last = below;
            var batch = await Instances.ListAsync(filter.Select(Instances.Query()).Where(i => i.Id < last).OrderByDescending(i => i.Id).Take(Batch), cancellation);
            page.AddRange(batch.Where(filter.Matches).Take(limit - page.Count));
            if (batch.Count < Batch)
            {
                break;
            }

            below = batch[^1].Id;
        }

        return page;
    }

    private async Task<InstanceDocument> FindMarkerAsync(ApiRequest request, string marker, CancellationToken cancellation) =>
        await Instances.GetAsync(marker, cancellation) is { } found && (request.IsAdmin || found.ProjectId == request.ProjectId) ? found : throw Paging.MarkerNotFound(marker);

    private async Task<Answer> UpdateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var instance = await lookup.RequireAsync(request, cancellation);
        var body = await request.BodyAsync("server", cancellation);
        if (!request.IsLegacy && body.Names().FirstOrDefault(n => !Changeable.Contains(n)) is { } unknown)
        {
            throw Fault.BadRequest($"Invalid input for field/attribute server. Additional properties are not allowed ('{unknown}' was unexpected).");
        }

        var changes = ServerAttributes.Of(request, body);
        var updated = await Instances.UpdateAsync(
            instance.Key,
            i => i.Deleted ? null : i with
            {
                DisplayName = changes.Name ?? i.DisplayName, AccessIpV4 = changes.AccessIpV4 ?? i.AccessIpV4, AccessIpV6 = changes.AccessIpV6 ?? i.AccessIpV6,
                DiskConfig = changes.DiskConfig ?? i.DiskConfig,
            },
            cancellation) ?? throw Fault.NotFound($"Instance {instance.Uuid} could not be found.");
        return Answer.Of(new ServerEnvelope(ServerViews.Updated(request, updated)), ApiJson.Default.ServerEnvelope);
    }
}
