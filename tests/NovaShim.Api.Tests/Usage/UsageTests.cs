using System.Globalization;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Microsoft.Extensions.DependencyInjection;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Tests.Usage;

public sealed class UsageTests : IAsyncLifetime
{
    private static readonly XNamespace Compute = "http://docs.openstack.org/compute/api/v1.1";
    private readonly DateTime _now = DateTime.UtcNow;

    private Face _face = null!;

    public async Task InitializeAsync() => _face = await Face.StartAsync();

    public Task DisposeAsync() => _face.DisposeAsync();

    [Theory]
    [InlineData("v1.1")]
    [InlineData("v2")]
    [InlineData("v2.1")]
    public async Task Usage_counts_from_the_launch_to_the_end_within_the_period_those_that_are_gone_too(string surface)
    {
        await AddAsync("alice", -3, null, "2");
        await AddAsync("alice", -10, -2, "3");
        await AddAsync("alice", -30, -20, "2");
        await AddAsync("alice", null, null, "2");
        await AddAsync("bob", -1, null, "1");
        var alice = _face.ProjectIdOf("alice");
        var usage = (await _face.SendAsync("alice", "GET", $"{surface}:/os-simple-tenant-usage/{alice}?start={At(-4)}&end={At(0)}")).Json!["tenant_usage"]!;

        // 3 hours of the one that runs, 2 (of 8) hours of the one that is gone.
        Assert.Equal((5.0, 3 + (2 * 2.0), (3 * 2048) + (2 * 4096.0), (3 * 20) + (2 * 40.0)), (
            Number(usage, "total_hours"), Number(usage, "total_vcpus_usage"), Number(usage, "total_memory_mb_usage"), Number(usage, "total_local_gb_usage")));
        Assert.Equal(["server_usages", "start", "stop", "tenant_id", "total_hours", "total_local_gb_usage", "total_memory_mb_usage", "total_vcpus_usage"], usage.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal));
        var servers = usage["server_usages"]!.AsArray();
        Assert.Equal(["active m1.small 3", "terminated m1.medium 2"], servers.Select(s => $"{s!["state"]} {s["flavor"]} {Number(s, "hours")}"));
        Assert.InRange(servers[0]!["uptime"]!.GetValue<long>(), 3 * 3600, 4 * 3600);
        Assert.Equal(8 * 3600, servers[1]!["uptime"]!.GetValue<long>());
        Assert.Equal(12, servers[0]!.AsObject().Count);
        Assert.Null(servers[0]!["ended_at"]);
        Assert.NotNull(servers[1]!["ended_at"]);
        Assert.Equal(2, servers.Count);

        var all = (await _face.SendAsync("admin", "GET", $"{surface}:/os-simple-tenant-usage?start={At(-4)}&end={At(24)}&detailed=1")).Json!["tenant_usages"]!.AsArray();
        Assert.Equal(new[] { alice, _face.ProjectIdOf("bob") }.Order(StringComparer.Ordinal), all.Select(t => t!["tenant_id"]!.GetValue<string>()));
        Assert.All(all, t => Assert.NotNull(t!["server_usages"]));
        all = (await _face.SendAsync("admin", "GET", $"{surface}:/os-simple-tenant-usage?start={At(-4)}&end={At(24)}")).Json!["tenant_usages"]!.AsArray();
        Assert.All(all, t => Assert.False(t!.AsObject().ContainsKey("server_usages")));
    }

    [Fact]
    public async Task Where_nothing_was_used_there_is_nothing()
    {
        await AddAsync("alice", -3, null, "2");
        Assert.Equal("""{"tenant_usage":{}}""", (await _face.SendAsync("alice", "GET", $"v2.1:/os-simple-tenant-usage/{_face.ProjectIdOf("alice")}?start={At(-9)}&end={At(-8)}")).Text);
        Assert.Equal("""{"tenant_usages":[]}""", (await _face.SendAsync("admin", "GET", $"v2.1:/os-simple-tenant-usage?start={At(-9)}&end={At(-8)}")).Text);
        Assert.Equal(200, (await _face.SendAsync("admin", "GET", "v2.1:/os-simple-tenant-usage")).Status);
    }

    [Fact]
    public async Task The_same_in_XML()
    {
        await AddAsync("alice", -3, null, "2");
        var usage = XDocument.Parse((await _face.SendAsync("alice", "GET", $"v1.1:/os-simple-tenant-usage/{_face.ProjectIdOf("alice")}.xml?start={At(-4)}")).Text).Root!;
        Assert.Equal((Compute + "tenant_usage", _face.ProjectIdOf("alice")), (usage.Name, usage.Element(Compute + "tenant_id")!.Value));
        Assert.Equal("m1.small", usage.Element(Compute + "server_usages")!.Element(Compute + "server_usage")!.Element(Compute + "flavor")!.Value);
        var all = XDocument.Parse((await _face.SendAsync("admin", "GET", $"v1.1:/os-simple-tenant-usage.xml?start={At(-4)}")).Text).Root!;
        Assert.Equal((Compute + "tenant_usages", Compute + "tenant_usage"), (all.Name, all.Elements().Single().Name));
        Assert.Equal(Compute + "instance_usage_audit_logs", XDocument.Parse((await _face.SendAsync("admin", "GET", "v1.1:/os-instance_usage_audit_log.xml")).Text).Root!.Name);
        Assert.Equal(Compute + "instance_usage_audit_log", XDocument.Parse((await _face.SendAsync("admin", "GET", "v1.1:/os-instance_usage_audit_log/2026-03-01%2000:00:00.xml")).Text).Root!.Name);
    }

    [Theory]
    [InlineData("admin", "/os-simple-tenant-usage?start=yesterday", 400)]
    [InlineData("admin", "/os-simple-tenant-usage?start=2026-01-02T00:00:00&end=2026-01-01T00:00:00", 400)]
    [InlineData("admin", "/os-simple-tenant-usage?start=2026-01-01T00:00:00&end=2026-01-01T00:00:00", 400)]
    [InlineData("admin", "/os-simple-tenant-usage/t?end=2026-99-99T00:00:00", 400)]
    [InlineData("admin", "/os-simple-tenant-usage/", 404)]
    [InlineData("alice", "/os-simple-tenant-usage", 403)]
    [InlineData("alice", "/os-simple-tenant-usage/t", 403)]
    [InlineData("alice", "/os-instance_usage_audit_log", 403)]
    [InlineData("alice", "/os-instance_usage_audit_log/invalid_time", 403)]
    [InlineData("admin", "/os-instance_usage_audit_log/invalid_time", 400)]
    public async Task What_cannot_be_or_is_not_yours_is_refused(string user, string path, int status) => Assert.Equal(status, (await _face.SendAsync(user, "GET", "v2.1:" + path)).Status);

    [Fact]
    public async Task The_audit_log_names_every_host_as_one_that_has_not_told()
    {
        await _face.Services.GetRequiredService<ServiceGroup>().BeatAsync("xen2", ServiceGroup.ComputeBinary, "compute", default);
        await _face.Services.GetRequiredService<ServiceGroup>().BeatAsync("xen1", ServiceGroup.ComputeBinary, "compute", default);
        var log = (await _face.SendAsync("admin", "GET", "v2.1:/os-instance_usage_audit_log/2026-03-15%2011:12:13.5")).Json!["instance_usage_audit_log"]!;
        Assert.Equal(("2026-02-01 00:00:00", "2026-03-01 00:00:00", "0 of 2 hosts done. 0 errors."), (Text(log, "period_beginning"), Text(log, "period_ending"), Text(log, "overall_status")));
        Assert.Equal("""["xen1","xen2"]""", log["hosts_not_run"]!.ToJsonString());
        Assert.Equal((2, 0, 0, 2), ((int)Number(log, "num_hosts"), (int)Number(log, "num_hosts_done"), (int)Number(log, "num_hosts_running"), (int)Number(log, "num_hosts_not_run")));
        Assert.Equal(11, (await _face.SendAsync("admin", "GET", "v1.1:/os-instance_usage_audit_log")).Json!["instance_usage_audit_logs"]!.AsObject().Count);
    }

    private Task<InstanceDocument> AddAsync(string user, double? launched, double? ended, string flavor) => _face.AddServerAsync(user, flavorId: flavor, change: i => i with
    {
        LaunchedAt = launched is { } l ? _now.AddHours(l) : null, TerminatedAt = ended is { } e ? _now.AddHours(e) : null, Deleted = ended is not null,
        VmState = ended is null ? VmStates.Active : VmStates.Deleted,
    });

    private string At(double hours) => _now.AddHours(hours).ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff", CultureInfo.InvariantCulture);

    private static double Number(JsonNode node, string key) => Math.Round(node[key]!.GetValue<double>(), 1);

    private static string Text(JsonNode node, string key) => node[key]!.GetValue<string>();
}
