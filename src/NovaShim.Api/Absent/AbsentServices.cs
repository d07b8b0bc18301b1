using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Api.Servers;

namespace NovaShim.Api.Absent;

/// <summary>
/// The routes by which Nova passes on to another service, of networks, volumes, certificates, cloudpipe or cells. There is none: a 501 in Nova's words, after the checks that Nova makes itself, and never an empty list, which would say
/// that there are none <i>yet</i>.
/// </summary>
internal sealed class AbsentServices(ServerLookup lookup) : IComputeCapability
{
    /// <summary>Method and path; administrators' routes begin with <c>!</c>.</summary>
    private static readonly string[] Routes =
    [
        "GET /os-networks", "!POST /os-networks", "GET /os-networks/{id}", "!DELETE /os-networks/{id}", "!POST /os-networks/{id}/action", "!POST /os-networks/add",
        "GET /os-tenant-networks", "POST /os-tenant-networks", "GET /os-tenant-networks/{id}", "DELETE /os-tenant-networks/{id}",
        "GET /os-floating-ips", "POST /os-floating-ips", "GET /os-floating-ips/{id}", "DELETE /os-floating-ips/{id}", "GET /os-floating-ip-pools",
        "!GET /os-fixed-ips/{id}", "!POST /os-fixed-ips/{id}/action",
        "GET /os-volumes", "GET /os-volumes/detail", "POST /os-volumes", "GET /os-volumes/{id}", "DELETE /os-volumes/{id}",
        "GET /os-floating-ip-dns", "!GET /os-floating-ips-bulk", "!POST /os-floating-ips-bulk",
        "POST /os-certificates", "GET /os-certificates/{id}", "!GET /os-cloudpipe", "!POST /os-cloudpipe",
        "!GET /os-cells", "!POST /os-cells", "!GET /os-cells/{name}", "!PUT /os-cells/{name}", "!DELETE /os-cells/{name}",
        "GET /os-snapshots", "GET /os-snapshots/detail", "POST /os-snapshots", "GET /os-snapshots/{id}", "DELETE /os-snapshots/{id}",
    ];

    private static readonly string[] RoutesOfServers =
    [
        "GET /servers/{id}/os-virtual-interfaces",
        "GET /servers/{id}/os-interface", "POST /servers/{id}/os-interface", "GET /servers/{id}/os-interface/{port_id}", "DELETE /servers/{id}/os-interface/{port_id}",
    ];

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (var route in Routes)
        {
            var (method, path) = Parse(route.TrimStart('!'));
            var endpoint = routes.On([method], path, (_, _) => throw NotSupported());
            if (route[0] == '!')
            {
                endpoint.AdminOnly();
            }
        }

        foreach (var route in RoutesOfServers)
        {
            var (method, path) = Parse(route);
            routes.On([method], path, async (request, cancellation) =>
            {
                await lookup.RequireAsync(request, cancellation);
                throw NotSupported();
            });
        }
    }

    /// <summary>Nova's fault for what is passed on to nobody.</summary>
    public static FaultException NotSupported() => new(StatusCodes.Status501NotImplemented, "The requested functionality is not supported.");

    private static (string Method, string Path) Parse(string route) => route.IndexOf(' ', StringComparison.Ordinal) is var at ? (route[..at], route[(at + 1)..]) : default;
}
