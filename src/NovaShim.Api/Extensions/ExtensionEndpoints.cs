using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Extensions;

/// <summary>Which of Nova's extensions are served: exactly those whose routes or keys there are.</summary>
internal sealed class ExtensionEndpoints : IComputeCapability
{
    private const string Updated = "2014-12-03T00:00:00Z";

    private static readonly IReadOnlyList<ExtensionView> All =
    [
        Extension("AdminActions", "os-admin-actions", "Migrate, pause, suspend, lock and back up servers."),
        Extension("AdminPassword", "os-admin-password", "Passwords of guests."),
        Extension("Agents", "os-agents", "Builds of the guest agent."),
        Extension("Aggregates", "os-aggregates", "Hosts put together, and the zones that this makes."),
        Extension("AvailabilityZone", "os-availability-zone", "Zones, and servers in them."),
        Extension("ConfigDrive", "os-config-drive", "Servers with a drive that carries their configuration."),
        Extension("ConsoleOutput", "os-console-output", "What servers have written to their consoles."),
        Extension("Consoles", "os-consoles", "Consoles of a proxy, of which there is none."),
        Extension("DiskConfig", "OS-DCF", "How a server's disk is laid out."),
        Extension("ExtendedServerAttributes", "OS-EXT-SRV-ATTR", "A server's host and name at its hypervisor, for administrators."),
        Extension("ExtendedStatus", "OS-EXT-STS", "What lies behind a server's status."),
        Extension("FlavorAccess", "os-flavor-access", "Which tenants may use a flavor that is not public."),
        Extension("FlavorExtraData", "OS-FLV-EXT-DATA", "A flavor's ephemeral disk."),
        Extension("FlavorExtraSpecs", "os-flavor-extra-specs", "What is noted of a flavor for hosts and schedulers."),
        Extension("FlavorManage", "os-flavor-manage", "Flavors made and removed by administrators."),
        Extension("Hosts", "os-hosts", "Hosts, and who uses them."),
        Extension("Hypervisors", "os-hypervisors", "What hosts have and what is claimed of it."),
        Extension("ImageSize", "OS-EXT-IMG-SIZE", "An image's length."),
        Extension("InstanceActions", "os-instance-actions", "What was done to a server."),
        Extension("Keypairs", "os-keypairs", "Users' key pairs, and servers with their keys."),
        Extension("Migrations", "os-migrations", "Moves of servers between hosts."),
        Extension("OSInstanceUsageAuditLog", "os-instance-usage-audit-log", "Which hosts have told of a period's usage."),
        Extension("QuotaClasses", "os-quota-class-sets", "What every tenant may have."),
        Extension("Quotas", "os-quota-sets", "What a tenant may have."),
        Extension("Rescue", "os-rescue", "Servers that another stands in for."),
        Extension("SecurityGroups", "os-security-groups", "What may come in to servers, as far as hosts go by it."),
        Extension("ServerDiagnostics", "os-server-diagnostics", "Figures of servers, for administrators."),
        Extension("ServerPassword", "os-server-password", "The password a guest has handed over."),
        Extension("ServerStartStop", "os-server-start-stop", "Servers that are shut down."),
        Extension("Services", "os-services", "Services and their heartbeats."),
        Extension("Shelve", "os-shelve", "Servers that are kept as an image."),
        Extension("SchedulerHints", "OS-SCH-HNT", "What a server asks of its host."),
        Extension("ServerExternalEvents", "os-server-external-events", "What another service tells of servers."),
        Extension("ServerGroups", "os-server-groups", "Servers that share a host, or do not."),
        Extension("SimpleTenantUsage", "os-simple-tenant-usage", "What a tenant's servers were used."),
        Extension("UsedLimits", "os-used-limits", "What there is of what a tenant may have."),
        Extension("UserData", "os-user-data", "Data for a server's guest."),
    ];

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/extensions", (_, _) => Task.FromResult(Answer.Of(new ExtensionsEnvelope(All), ApiJson.Default.ExtensionsEnvelope)));
        routes.OnGet("/extensions/{alias}", (request, _) => All.FirstOrDefault(e => e.Alias == request.Route("alias")) is { } found
            ? Task.FromResult(Answer.Of(new ExtensionEnvelope(found), ApiJson.Default.ExtensionEnvelope))
            : throw Fault.NotFound(FaultNames.DefaultMessage(404)));
    }

    private static ExtensionView Extension(string name, string alias, string description) =>
        new(name, $"http://docs.openstack.org/compute/ext/{alias.ToLowerInvariant()}/api/v1.1", alias, Updated, description, []);
}
