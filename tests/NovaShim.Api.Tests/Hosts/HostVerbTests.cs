using System.Xml.Linq;
using Microsoft.Extensions.DependencyInjection;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Sdk;

namespace NovaShim.Api.Tests.Hosts;

public sealed class HostVerbTests : IAsyncLifetime
{
    private static readonly XNamespace Compute = "http://docs.openstack.org/compute/api/v1.1";

    private Face _face = null!;

    public async Task InitializeAsync()
    {
        _face = await Face.StartAsync();
        await _face.Services.GetRequiredService<ServiceGroup>().BeatAsync("xen1", ServiceGroup.ComputeBinary, "compute", default);
        await _face.Services.GetRequiredService<ServiceGroup>().BeatAsync("api", ServiceGroup.SchedulerBinary, "scheduler", default);
        await _face.Store.Collection<ServiceDocument>().InsertAsync(
            new ServiceDocument { Key = "xen2/nova-compute", Id = 9, Host = "xen2", Binary = ServiceGroup.ComputeBinary, Topic = "compute", LastSeenUp = DateTime.UtcNow.AddHours(-1) }, default);
        foreach (var (host, id, booted) in new[] { ("xen1", 1, DateTime.UtcNow.AddHours(-27)), ("xen2", 2, DateTime.UtcNow), ("xen3", 3, (DateTime?)null) })
        {
            await _face.Store.Collection<ComputeNodeDocument>().InsertAsync(
                new ComputeNodeDocument
                {
                    Key = host, Id = id, Host = host, Driver = "fake",
                    Stats = new HostStats { HypervisorHostname = host, HypervisorType = "fake", HypervisorVersion = 1, Vcpus = 8, MemoryMb = 16384, LocalGb = 200, BootedAt = booted },
                    Claims = new Dictionary<string, ResourceClaim> { ["s"] = new(2048, 1, 20, null) },
                },
                default);
        }
    }

    public Task DisposeAsync() => _face.DisposeAsync();

    [Theory]
    [InlineData("v1.1")]
    [InlineData("v2")]
    [InlineData("v2.1")]
    public async Task Hosts_are_listed_by_service_and_zone(string surface)
    {
        async Task<string> ListAsync(string query) => string.Join(
            ' ', (await _face.SendAsync("admin", "GET", surface + ":/os-hosts" + query)).Json!["hosts"]!.AsArray().Select(h => $"{h!["host_name"]}/{h["service"]}/{h["zone"]}"));
        Assert.Equal("xen1/compute/nova api/scheduler/internal xen2/compute/nova", await ListAsync(""));
        Assert.Equal("xen1/compute/nova api/scheduler/internal xen2/compute/nova", await ListAsync("?zone="));
        Assert.Equal("api/scheduler/internal", await ListAsync("?zone=internal"));
        Assert.Equal("xen1/compute/nova xen2/compute/nova", await ListAsync("?service=compute"));
        Assert.Equal("", await ListAsync("?zone=xxx"));
    }

    [Fact]
    public async Task A_host_shows_what_it_has_and_who_has_it()
    {
        await _face.AddServerAsync("alice", flavorId: "2");
        await _face.AddServerAsync("alice", flavorId: "1");
        await _face.AddServerAsync("bob", flavorId: "1");
        var shown = (await _face.SendAsync("admin", "GET", "v2.1:/os-hosts/xen1")).Json!["host"]!.AsArray();
        Assert.Equal(
            ["(total) 8 16384 200", "(used_now) 1 2048 20", "(used_max) 3 3072 22", .. new[] { $"{_face.ProjectIdOf("alice")} 2 2560 21", $"{_face.ProjectIdOf("bob")} 1 512 1" }.Order(StringComparer.Ordinal)],
            shown.Select(r => r!["resource"]!).Select(r => $"{r["project"]} {r["cpu"]} {r["memory_mb"]} {r["disk_gb"]}"));
        Assert.All(shown, r => Assert.Equal("xen1", r!["resource"]!["host"]!.GetValue<string>()));
        Assert.Equal(404, (await _face.SendAsync("admin", "GET", "v2.1:/os-hosts/xen9")).Status);
    }

    [Fact]
    public async Task A_host_is_kept_from_new_servers_and_let_have_them_again()
    {
        var reply = await _face.SendAsync("admin", "PUT", "v2.1:/os-hosts/xen1", """{"status": "disable"}""");
        Assert.Equal((200, """{"host":"xen1","status":"disabled"}"""), (reply.Status, reply.Text));
        Assert.Equal("disabled", (await _face.SendAsync("admin", "GET", "v2.1:/os-services?host=xen1")).Json!["services"]![0]!["status"]!.GetValue<string>());
        Assert.DoesNotContain("xen1", (await _face.SendAsync("admin", "GET", "v2.1:/os-hosts")).Text, StringComparison.Ordinal);
        var xml = await _face.SendAsync("admin", "PUT", "v1.1:/os-hosts/xen1.xml", "<updates><status>enable</status></updates>", ("Content-Type", "application/xml"));
        var host = XDocument.Parse(xml.Text).Root!;
        Assert.Equal((200, Compute + "host", "xen1", "enabled"), (xml.Status, host.Name, (string)host.Attribute("host")!, (string)host.Attribute("status")!));
        var list = XDocument.Parse((await _face.SendAsync("admin", "GET", "v1.1:/os-hosts.xml")).Text).Root!;
        Assert.Contains(list.Elements(Compute + "host"), h => (string)h.Attribute("host_name")! == "xen1");
        Assert.Equal(Compute + "host", XDocument.Parse((await _face.SendAsync("admin", "GET", "v1.1:/os-hosts/xen1.xml")).Text).Root!.Name);
    }

    [Theory]
    [InlineData("PUT", "/os-hosts/xen1", """{"status": "invalid", "maintenance_mode": "enable"}""", 400, "status")]
    [InlineData("PUT", "/os-hosts/xen1", """{"status": "enable", "maintenance_mode": "invalid"}""", 400, "maintenance_mode")]
    [InlineData("PUT", "/os-hosts/xen1", """{"status": 1}""", 400, "status")]
    [InlineData("PUT", "/os-hosts/xen1", """{"paint": "red"}""", 400, "paint")]
    [InlineData("PUT", "/os-hosts/xen1", "{}", 400, "status")]
    [InlineData("PUT", "/os-hosts/xen9", """{"status": "enable", "maintenance_mode": "enable"}""", 404, "xen9")]
    [InlineData("PUT", "/os-hosts/xen1", """{"status": "disable", "maintenance_mode": "enable"}""", 501, "not supported")]
    [InlineData("GET", "/os-hosts/xen1/startup", null, 501, "not supported")]
    [InlineData("GET", "/os-hosts/xen1/shutdown", null, 501, "not supported")]
    [InlineData("GET", "/os-hosts/xen1/reboot", null, 501, "not supported")]
    [InlineData("GET", "/os-hosts/xen9/reboot", null, 404, "xen9")]
    [InlineData("GET", "/os-hypervisors/3/uptime", null, 501, "uptime")]
    [InlineData("GET", "/os-hypervisors/2/uptime", null, 400, "xen2")]
    [InlineData("GET", "/os-hypervisors/77/uptime", null, 404, "77")]
    [InlineData("GET", "/os-hypervisors/xen1/uptime", null, 404, "xen1")]
    [InlineData("PUT", "/os-services/disable-log-reason", """{"host": "xen1", "binary": "nova-compute"}""", 400, "disabled_reason")]
    [InlineData("PUT", "/os-services/enable", """{"host": "xen1", "binary": "nova-compute", "colour": 1}""", 400, "colour")]
    [InlineData("DELETE", "/os-services/77", null, 404, "77")]
    public async Task What_cannot_be_is_refused_and_changes_nothing(string method, string path, string? body, int status, string said)
    {
        var reply = await _face.SendAsync("admin", method, "v2.1:" + path, body);
        Assert.Equal(status, reply.Status);
        Assert.Contains(said, reply.Fault.Message, StringComparison.Ordinal);
        Assert.Equal("enabled", (await _face.SendAsync("admin", "GET", "v2.1:/os-services?host=xen1")).Json!["services"]![0]!["status"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_host_says_how_long_it_is_up()
    {
        var shown = (await _face.SendAsync("admin", "GET", "v2.1:/os-hypervisors/1/uptime")).Json!["hypervisor"]!;
        Assert.Matches("^ [0-9]{2}:[0-9]{2}:[0-9]{2} up 1 days,  3:0[0-9]$", shown["uptime"]!.GetValue<string>());
        Assert.Equal(["hypervisor_hostname", "id", "state", "status", "uptime"], shown.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal));
        Assert.NotNull(XDocument.Parse((await _face.SendAsync("admin", "GET", "v1.1:/os-hypervisors/1/uptime.xml")).Text).Root!.Attribute("uptime"));
    }

    [Fact]
    public async Task A_service_that_is_no_more_is_forgotten_with_its_host()
    {
        await _face.SendAsync("admin", "POST", "v2.1:/os-aggregates", """{"aggregate": {"name": "a"}}""");
        await _face.SendAsync("admin", "POST", "v2.1:/os-aggregates/1/action", """{"add_host": {"host": "xen2"}}""");
        await _face.AddServerAsync("alice");
        var busy = (await _face.SendAsync("admin", "GET", "v2.1:/os-services?host=xen1")).Json!["services"]![0]!["id"];
        Assert.Equal(409, (await _face.SendAsync("admin", "DELETE", $"v2.1:/os-services/{busy}")).Status);
        Assert.Equal(204, (await _face.SendAsync("admin", "DELETE", "v2.1:/os-services/9")).Status);
        Assert.Equal(404, (await _face.SendAsync("admin", "DELETE", "v2.1:/os-services/9")).Status);
        Assert.DoesNotContain("xen2", (await _face.SendAsync("admin", "GET", "v2.1:/os-hypervisors")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("xen2", (await _face.SendAsync("admin", "GET", "v2.1:/os-aggregates")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_is_switched_in_XML()
    {
        var reply = await _face.SendAsync(
            "admin", "PUT", "v1.1:/os-services/disable-log-reason.xml", """<service host="xen1" binary="nova-compute" disabled_reason="new disks"/>""", ("Content-Type", "application/xml"));
        Assert.Equal((200, "disabled"), (reply.Status, (string)XDocument.Parse(reply.Text).Root!.Attribute("status")!));
        Assert.Equal("new disks", (await _face.SendAsync("admin", "GET", "v1.1:/os-services?host=xen1")).Json!["services"]![0]!["disabled_reason"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("GET", "/os-hosts")]
    [InlineData("GET", "/os-hosts/xen9")]
    [InlineData("PUT", "/os-hosts/xen9")]
    [InlineData("GET", "/os-hosts/xen9/startup")]
    [InlineData("GET", "/os-hosts/xen9/shutdown")]
    [InlineData("GET", "/os-hosts/xen9/reboot")]
    [InlineData("GET", "/os-hypervisors/77/uptime")]
    [InlineData("DELETE", "/os-services/77")]
    public async Task Only_administrators_may(string method, string path)
    {
        foreach (var surface in new[] { "v1.1", "v2", "v2.1" })
        {
            Assert.Equal(403, (await _face.SendAsync("alice", method, surface + ":" + path, method == "PUT" ? "{}" : null)).Status);
        }
    }
}
