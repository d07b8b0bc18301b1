using System.Text.Json.Nodes;
using System.Xml.Linq;
using Microsoft.Extensions.DependencyInjection;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Scheduling;
using NovaShim.Compute.ServerGroups;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Api.Tests.ServerGroups;

public sealed class ServerGroupTests : IAsyncLifetime
{
    private static readonly XNamespace Compute = "http://docs.openstack.org/compute/api/v1.1";

    private Face _face = null!;

    private FilterScheduler Scheduler => _face.Services.GetRequiredService<FilterScheduler>();

    private IDocumentCollection<InstanceDocument> Instances => _face.Store.Collection<InstanceDocument>();

    public async Task InitializeAsync()
    {
        _face = await Face.StartAsync(("quota:server_groups", "3"), ("quota:server_group_members", "4"));
        foreach (var (host, id) in new[] { ("xen1", 1), ("xen2", 2), ("xen3", 3) })
        {
            await _face.Services.GetRequiredService<ServiceGroup>().BeatAsync(host, ServiceGroup.ComputeBinary, "compute", default);
            await _face.Store.Collection<ComputeNodeDocument>().InsertAsync(
                new ComputeNodeDocument
                {
                    Key = host, Id = id, Host = host, Driver = "fake",
                    Stats = new HostStats { HypervisorHostname = host, HypervisorType = "fake", HypervisorVersion = 1, Vcpus = 8, MemoryMb = 16384, LocalGb = 200 },
                },
                default);
        }
    }

    public Task DisposeAsync() => _face.DisposeAsync();

    [Theory]
    [InlineData("v1.1", "affinity")]
    [InlineData("v2", "anti-affinity")]
    [InlineData("v2.1", "affinity")]
    public async Task A_group_is_made_shown_listed_and_removed(string surface, string policy)
    {
        var made = await _face.SendAsync("alice", "POST", surface + ":/os-server-groups", $$$"""{"server_group": {"name": "g", "policies": ["{{{policy}}}"]}}""");
        Assert.Equal(200, made.Status);
        var id = made.Json!["server_group"]!["id"]!.GetValue<string>();
        Assert.Equal($$$$"""{"id":"{{{{id}}}}","name":"g","policies":["{{{{policy}}}}"],"members":[],"metadata":{}}""", made.Json["server_group"]!.ToJsonString());
        var at = $"{surface}:/os-server-groups/{id}";
        Assert.Equal(made.Text, (await _face.SendAsync("alice", "GET", at)).Text);
        Assert.Equal(made.Json["server_group"]!.ToJsonString(), (await _face.SendAsync("alice", "GET", surface + ":/os-server-groups")).Json!["server_groups"]!.AsArray().Single()!.ToJsonString());
        Assert.Equal(204, (await _face.SendAsync("alice", "DELETE", at)).Status);
        Assert.Equal(404, (await _face.SendAsync("alice", "DELETE", at)).Status);
        Assert.Equal("""{"server_groups":[]}""", (await _face.SendAsync("alice", "GET", surface + ":/os-server-groups")).Text);
    }

    [Fact]
    public async Task The_same_in_XML()
    {
        var made = await _face.SendAsync("alice", "POST", "v1.1:/os-server-groups.xml", """<server_group name="g"><policies><policy>affinity</policy></policies></server_group>""", ("Content-Type", "application/xml"));
        var group = XDocument.Parse(made.Text).Root!;
        Assert.Equal((200, Compute + "server_group", "affinity"), (made.Status, group.Name, group.Element(Compute + "policies")!.Element(Compute + "policy")!.Value));
        var id = (string)group.Attribute("id")!;
        var server = await CreateAsync("v1.1", $"<server name='n' imageRef='{Face.ImageId}' flavorRef='1'><scheduler_hints><group>{id}</group></scheduler_hints></server>", ("Content-Type", "application/xml"));
        Assert.Equal(202, server.Status);
        var shown = XDocument.Parse((await _face.SendAsync("alice", "GET", $"v1.1:/os-server-groups/{id}.xml")).Text).Root!;
        Assert.Equal(server.Json!["server"]!["id"]!.GetValue<string>(), shown.Element(Compute + "members")!.Element(Compute + "member")!.Value);
        Assert.Equal(Compute + "server_group", XDocument.Parse((await _face.SendAsync("alice", "GET", "v1.1:/os-server-groups.xml")).Text).Root!.Elements().Single().Name);
    }

    [Fact]
    public async Task Groups_are_their_tenants()
    {
        var id = await MakeAsync("affinity");
        foreach (var (user, status) in new[] { ("bob", 404), ("admin", 200) })
        {
            Assert.Equal(status, (await _face.SendAsync(user, "GET", $"v2.1:/os-server-groups/{id}")).Status);
            Assert.Equal("""{"server_groups":[]}""", (await _face.SendAsync(user, "GET", "v2.1:/os-server-groups")).Text);
        }

        Assert.Equal(404, (await _face.SendAsync("bob", "DELETE", $"v2.1:/os-server-groups/{id}")).Status);
        Assert.Equal("""{"server_groups":[]}""", (await _face.SendAsync("bob", "GET", "v2.1:/os-server-groups?all_projects=1")).Text);
        Assert.Single((await _face.SendAsync("admin", "GET", "v2.1:/os-server-groups?all_projects=1")).Json!["server_groups"]!.AsArray());
        Assert.Equal(400, (await CreateAsync("bob", "{\"group\": \"" + id + "\"}")).Status);
    }

    [Theory]
    [InlineData("""{"server_group": {"policies": ["affinity"]}}""", "name")]
    [InlineData("""{"server_group": {"name": "", "policies": ["affinity"]}}""", "name")]
    [InlineData("""{"server_group": {"name": "g"}}""", "policies")]
    [InlineData("""{"server_group": {"name": "g", "policies": []}}""", "policies")]
    [InlineData("""{"server_group": {"name": "g", "policies": "affinity"}}""", "policies")]
    [InlineData("""{"server_group": {"name": "g", "policies": ["soft-affinity"]}}""", "policies")]
    [InlineData("""{"server_group": {"name": "g", "policies": ["affinity", "anti-affinity"]}}""", "policies")]
    [InlineData("""{"server_group": {"name": "g", "policies": [1]}}""", "policies")]
    [InlineData("""{"server_group": {"name": "g", "policies": ["affinity"], "rules": {}}}""", "rules")]
    [InlineData("""{}""", "server_group")]
    public async Task A_wrong_group_is_refused_by_the_name_of_its_field(string body, string said)
    {
        var reply = await _face.SendAsync("alice", "POST", "v2.1:/os-server-groups", body);
        Assert.Equal(400, reply.Status);
        Assert.Contains(said, reply.Fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task There_are_no_more_groups_and_members_than_the_quotas_allow()
    {
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _face.SendAsync("alice", "POST", "v2.1:/os-server-groups", """{"server_group": {"name": "g", "policies": ["affinity"]}}""")));
        Assert.All(replies, r => Assert.True(r.Status is 200 or 403));
        Assert.InRange(replies.Count(r => r.Status == 200), 0, 3);
        while ((await _face.SendAsync("alice", "GET", "v2.1:/os-server-groups")).Json!["server_groups"]!.AsArray().Count < 3)
        {
            await MakeAsync("affinity");
        }

        Assert.Equal(403, (await _face.SendAsync("alice", "POST", "v2.1:/os-server-groups", """{"server_group": {"name": "g", "policies": ["affinity"]}}""")).Status);
        Assert.Equal(413, (await _face.SendAsync("alice", "POST", "v1.1:/os-server-groups", """{"server_group": {"name": "g", "policies": ["affinity"]}}""")).Status);
        var id = (await _face.SendAsync("alice", "GET", "v2.1:/os-server-groups?limit=1")).Json!["server_groups"]!.AsArray().Single()!["id"]!.GetValue<string>();
        Assert.Equal(202, (await CreateAsync("alice", "{\"group\": \"" + id + "\"}", 4)).Status);
        Assert.Equal(403, (await CreateAsync("alice", "{\"group\": \"" + id + "\"}")).Status);
        Assert.Equal(3, (await _face.SendAsync("alice", "GET", "v2.1:/limits")).Json!["limits"]!["absolute"]!["totalServerGroupsUsed"]!.GetValue<int>());
    }

    [Fact]
    public async Task A_server_joins_a_group_when_it_is_made_and_leaves_it_when_it_is_gone()
    {
        var id = await MakeAsync("anti-affinity");
        foreach (var key in new[] { "os:scheduler_hints", "OS-SCH-HNT:scheduler_hints" })
        {
            Assert.Equal(202, (await CreateAsync("alice", "{\"group\": \"" + id + "\"}", 1, key)).Status);
        }

        var members = await Instances.WhereAsync(i => !i.Deleted, default);
        Assert.Equal(members.OrderBy(i => i.Id).Select(i => i.Uuid), await MembersAsync(id));
        await Instances.UpdateAsync(members[0].Key, i => i with { Deleted = true }, default);
        Assert.Equal([members[1].Uuid], await MembersAsync(id));
    }

    [Theory]
    [InlineData("""{"group": "no uuid"}""", 400)]
    [InlineData("""{"group": "70a599e0-31e7-49b7-b260-868f441e862b"}""", 400)]
    [InlineData("""{"group": 1}""", 400)]
    [InlineData("""{"same_host": "no uuid"}""", 400)]
    [InlineData("""{"different_host": ["70a599e0-31e7-49b7-b260-868f441e862b", 1]}""", 400)]
    [InlineData("""[1]""", 400)]
    [InlineData("""{"different_host": ["70a599e0-31e7-49b7-b260-868f441e862b"], "unheard": "of"}""", 202)]
    [InlineData("""{}""", 202)]
    [InlineData("""null""", 202)]
    public async Task Hints_are_checked(string hints, int status) => Assert.Equal(status, (await CreateAsync("alice", hints)).Status);

    [Fact]
    public async Task Members_of_an_anti_affinity_group_are_each_on_another_host_even_when_chosen_at_once()
    {
        var id = await MakeAsync("anti-affinity");
        var members = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => AddAsync(new SchedulerHints(id, [], []))));
        var chosen = await Task.WhenAll(members.Select(m => Task.Run(() => Scheduler.SelectForBuildAsync(m, [], default))));
        Assert.Equal(["xen1", "xen2", "xen3"], chosen.OfType<ComputeNodeDocument>().Select(n => n.Host).Order());
        Assert.Single(chosen, n => n is null);
    }

    [Fact]
    public async Task Members_of_an_affinity_group_are_on_one_host_even_when_chosen_at_once()
    {
        var id = await MakeAsync("affinity");
        var members = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => AddAsync(new SchedulerHints(id, [], []))));
        var chosen = await Task.WhenAll(members.Select((m, n) => Task.Run(() => Scheduler.SelectForBuildAsync(m, n % 2 == 0 ? [] : ["xen1"], default))));
        Assert.Single(chosen.OfType<ComputeNodeDocument>().Select(n => n.Host).Distinct());

        // Where the others are counts, not where one of them was going to be once.
        foreach (var member in members)
        {
            await Instances.UpdateAsync(member.Key, i => i with { Host = "xen3" }, default);
        }

        var next = await AddAsync(new SchedulerHints(id, [], []));
        Assert.Equal("xen3", (await Scheduler.SelectForBuildAsync(next, [], default))!.Host);
        Assert.Null(await Scheduler.SelectDestinationAsync((await Instances.GetAsync(members[0].Key, default))!, next.Flavor, "xen3", [], default));

        // A group that is gone asks for nothing.
        await _face.SendAsync("alice", "DELETE", $"v2.1:/os-server-groups/{id}");
        Assert.Equal("xen1", (await Scheduler.SelectForBuildAsync(next, [], default))!.Host);
    }

    [Fact]
    public async Task A_server_shares_a_host_or_avoids_it_as_the_hints_ask()
    {
        var there = await _face.AddServerAsync("alice", change: i => i with { Host = "xen2" });
        var foreign = await _face.AddServerAsync("bob", change: i => i with { Host = "xen1" });
        Assert.Equal("xen2", (await Scheduler.SelectForBuildAsync(await AddAsync(new SchedulerHints(null, [there.Uuid], [])), [], default))!.Host);
        Assert.Null(await Scheduler.SelectForBuildAsync(await AddAsync(new SchedulerHints(null, [there.Uuid], [there.Uuid])), [], default));
        Assert.Equal("xen3", (await Scheduler.SelectForBuildAsync(await AddAsync(new SchedulerHints(null, [], [there.Uuid])), ["xen1"], default))!.Host);

        // Another tenant's server is not there: neither can it be gone to, nor is it avoided.
        Assert.Null(await Scheduler.SelectForBuildAsync(await AddAsync(new SchedulerHints(null, [foreign.Uuid], [])), [], default));
        Assert.Equal("xen1", (await Scheduler.SelectForBuildAsync(await AddAsync(new SchedulerHints(null, [], [foreign.Uuid])), [], default))!.Host);
    }

    private Task<InstanceDocument> AddAsync(SchedulerHints hints) => _face.AddServerAsync("alice", change: i => i with { Host = null, Node = null, VmState = VmStates.Building, Hints = hints });

    private async Task<string> MakeAsync(string policy) =>
        (await _face.SendAsync("alice", "POST", "v2.1:/os-server-groups", $$$"""{"server_group": {"name": "g", "policies": ["{{{policy}}}"]}}""")).Json!["server_group"]!["id"]!.GetValue<string>();

    private Task<Reply> CreateAsync(string user, string hints, int count = 1, string key = "os:scheduler_hints") => _face.SendAsync(
        user, "POST", "v2.1:/servers", $$$"""{"server": {"name": "n", "imageRef": "{{{Face.ImageId}}}", "flavorRef": "1", "min_count": {{{count}}}}, "{{{key}}}": {{{hints}}}}""");

    private Task<Reply> CreateAsync(string surface, string body, (string, string) header) => _face.SendAsync("alice", "POST", surface + ":/servers", body, header);

    private async Task<IEnumerable<string>> MembersAsync(string id) =>
        (await _face.SendAsync("alice", "GET", $"v2.1:/os-server-groups/{id}")).Json!["server_group"]!["members"]!.AsArray().Select(m => m!.GetValue<string>());
}
