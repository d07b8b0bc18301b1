using System.Text.Json.Nodes;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Sdk;
using Microsoft.Extensions.DependencyInjection;

namespace NovaShim.Api.Tests.Hosts;

public sealed class HostTests : IAsyncLifetime
{
    private Face _face = null!;

    public async Task InitializeAsync()
    {
        _face = await Face.StartAsync(("quota:instances", "10"), ("quota:cores", "20"));
        await _face.Services.GetRequiredService<ServiceGroup>().BeatAsync("xen1", ServiceGroup.ComputeBinary, "compute", default);
        await _face.Services.GetRequiredService<ServiceGroup>().BeatAsync("api", ServiceGroup.SchedulerBinary, "scheduler", default);
        await _face.Store.Collection<ServiceDocument>().InsertAsync(
            new ServiceDocument { Key = "xen2/nova-compute", Id = 9, Host = "xen2", Binary = ServiceGroup.ComputeBinary, Topic = "compute", LastSeenUp = DateTime.UtcNow.AddHours(-1) }, default);
        await _face.Store.Collection<ComputeNodeDocument>().InsertAsync(
            new ComputeNodeDocument
            {
                Key = "xen1", Id = 1, Host = "xen1", Driver = "xenserver",
                Stats = new HostStats { HypervisorHostname = "xen1.example", HypervisorType = "xen", HypervisorVersion = 8002001, Vcpus = 8, MemoryMb = 16384, LocalGb = 200 },
                Claims = new Dictionary<string, ResourceClaim> { ["s"] = new(2048, 1, 20, null) },
            },
            default);
    }

    public Task DisposeAsync() => _face.DisposeAsync();

    [Fact]
    public async Task Services_show_whether_they_are_up_and_can_be_switched_off()
    {
        var services = (await _face.SendAsync("admin", "GET", "v2.1:/os-services?binary=nova-compute")).Json!["services"]!.AsArray();
        Assert.Equal(["xen1 up enabled", "xen2 down enabled"], services.Select(s => $"{s!["host"]} {s["state"]} {s["status"]}"));
        var reply = await _face.SendAsync("admin", "PUT", "v2.1:/os-services/disable-log-reason", """{"host": "xen1", "binary": "nova-compute", "disabled_reason": "new disks"}""");
        Assert.Equal((200, "disabled"), (reply.Status, reply.Json!["service"]!["status"]!.GetValue<string>()));
        var shown = (await _face.SendAsync("admin", "GET", "v2.1:/os-services?host=xen1")).Json!["services"]![0]!;
        Assert.Equal(("disabled", "new disks"), (shown["status"]!.GetValue<string>(), shown["disabled_reason"]!.GetValue<string>()));
        Assert.Equal(200, (await _face.SendAsync("admin", "PUT", "v2.1:/os-services/enable", """{"host": "xen1", "binary": "nova-compute"}""")).Status);
        Assert.Equal(404, (await _face.SendAsync("admin", "PUT", "v2.1:/os-services/enable", """{"host": "xen9", "binary": "nova-compute"}""")).Status);
        Assert.Equal(400, (await _face.SendAsync("admin", "PUT", "v2.1:/os-services/enable", """{"host": "xen9"}""")).Status);
    }

    [Fact]
    public async Task Hypervisors_show_what_they_have_and_what_is_claimed()
    {
        var server = await _face.AddServerAsync("alice");
        var detail = (await _face.SendAsync("admin", "GET", "v2.1:/os-hypervisors/detail")).Json!["hypervisors"]![0]!;
        Assert.Equal((16384, 2048, 14336, 20, 1), (Int(detail, "memory_mb"), Int(detail, "memory_mb_used"), Int(detail, "free_ram_mb"), Int(detail, "local_gb_used"), Int(detail, "vcpus_used")));
        Assert.Equal(("up", "enabled", "xen1"), (detail["state"]!.GetValue<string>(), detail["status"]!.GetValue<string>(), detail["service"]!["host"]!.GetValue<string>()));
        Assert.Equal("xen1.example", (await _face.SendAsync("admin", "GET", "v2.1:/os-hypervisors/1")).Json!["hypervisor"]!["hypervisor_hostname"]!.GetValue<string>());
        Assert.Equal(404, (await _face.SendAsync("admin", "GET", "v2.1:/os-hypervisors/xen1")).Status);
        var servers = (await _face.SendAsync("admin", "GET", "v2.1:/os-hypervisors/xen1/servers")).Json!["hypervisors"]![0]!["servers"]!.AsArray();
        Assert.Equal(server.Uuid, servers.Single()!["uuid"]!.GetValue<string>());
        Assert.Equal(404, (await _face.SendAsync("admin", "GET", "v2.1:/os-hypervisors/nowhere/servers")).Status);
        Assert.Equal(1, Int((await _face.SendAsync("admin", "GET", "v2.1:/os-hypervisors/statistics")).Json!["hypervisor_statistics"]!, "count"));
    }

    [Fact]
    public async Task Zones_show_their_hosts_to_administrators_alone()
    {
        var zone = (await _face.SendAsync("alice", "GET", "v2.1:/os-availability-zone")).Json!["availabilityZoneInfo"]![0]!;
        Assert.Equal(("nova", true), (zone["zoneName"]!.GetValue<string>(), zone["zoneState"]!["available"]!.GetValue<bool>()));
        Assert.True(zone.AsObject().ContainsKey("hosts") && zone["hosts"] is null);
        var zones = (await _face.SendAsync("admin", "GET", "v2.1:/os-availability-zone/detail")).Json!["availabilityZoneInfo"]!.AsArray();
        Assert.Equal(["internal", "nova"], zones.Select(z => z!["zoneName"]!.GetValue<string>()));
        Assert.True(zones[0]!["hosts"]!["api"]!["nova-scheduler"]!["available"]!.GetValue<bool>());
        Assert.True(zones[1]!["hosts"]!["xen1"]!["nova-compute"]!["available"]!.GetValue<bool>());
        Assert.Equal(202, (await _face.SendAsync("admin", "POST", "v2.1:/servers", """{"server": {"name": "n", "imageRef": "@", "flavorRef": "1", "availability_zone": "nova:xen1"}}""".Replace("@", Face.ImageId, StringComparison.Ordinal))).Status);
    }

    [Fact]
    public async Task Limits_quotas_and_extensions_can_be_read()
    {
        await _face.AddServerAsync("alice", flavorId: "3");
        var limits = (await _face.SendAsync("alice", "GET", "v2.1:/limits")).Json!["limits"]!;
        Assert.Equal((10, 1, 4096), (Int(limits["absolute"]!, "maxTotalInstances"), Int(limits["absolute"]!, "totalInstancesUsed"), Int(limits["absolute"]!, "totalRAMUsed")));
        Assert.Empty(limits["rate"]!.AsArray());
        Assert.Equal(20, Int((await _face.SendAsync("alice", "GET", $"v2.1:/os-quota-sets/{_face.ProjectIdOf("alice")}")).Json!["quota_set"]!, "cores"));
        Assert.Equal(403, (await _face.SendAsync("alice", "GET", "v2.1:/os-quota-sets/another")).Status);
        Assert.Contains("os-migrations", (await _face.SendAsync("alice", "GET", "v1.1:/extensions")).Text, StringComparison.Ordinal);
        Assert.Equal(200, (await _face.SendAsync("alice", "GET", "v2.1:/extensions/OS-DCF")).Status);
        Assert.Equal(404, (await _face.SendAsync("alice", "GET", "v2.1:/extensions/os-teleport")).Status);
    }

    private static int Int(JsonNode node, string key) => node[key]!.GetValue<int>();
}
