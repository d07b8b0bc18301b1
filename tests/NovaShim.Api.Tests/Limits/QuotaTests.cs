using System.Text.Json.Nodes;
using System.Xml.Linq;
using Microsoft.Extensions.DependencyInjection;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Quotas;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Tests.Limits;

public sealed class QuotaTests : IAsyncLifetime
{
    private static readonly XNamespace Compute = "http://docs.openstack.org/compute/api/v1.1";

    private Face _face = null!;

    public async Task InitializeAsync() => _face = await Face.StartAsync(("quota:instances", "3"), ("quota:cores", "4"), ("quota:ram", "4096"));

    public Task DisposeAsync() => _face.DisposeAsync();

    [Theory]
    [InlineData("v1.1", 413, "overLimit")]
    [InlineData("v2", 413, "overLimit")]
    [InlineData("v2.1", 403, "forbidden")]
    public async Task More_than_the_quota_is_refused_and_takes_nothing(string surface, int status, string name)
    {
        Assert.Equal(202, (await CreateAsync(surface, "1", 2, 2)).Status);
        var reply = await CreateAsync(surface, "1", 2, 2);
        Assert.Equal((status, name), (reply.Status, reply.Fault.Name));
        Assert.Equal("Quota exceeded for instances: Requested 2, but already used 2 of 3 instances", reply.Fault.Message);
        Assert.Equal((2, 2, 1024), await UsedAsync());
        Assert.Equal(202, (await CreateAsync(surface, "1", 1, 1)).Status);
        Assert.Equal((3, 3, 1536), await UsedAsync());
    }

    [Fact]
    public async Task As_many_are_made_as_there_is_room_for()
    {
        Assert.Equal(202, (await CreateAsync("v2.1", "2", 1, 10)).Status);
        Assert.Equal((2, 2, 4096), await UsedAsync());
    }

    [Fact]
    public async Task Creates_at_the_same_moment_do_not_exceed_the_quota_together()
    {
        for (var round = 0; round < 3; round++)
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => CreateAsync("v2.1", "1", 1, 1)));
            Assert.Equal(3, replies.Count(r => r.Status == 202));
            Assert.Equal(9, replies.Count(r => r.Status == 403));
            Assert.Equal((3, 3, 1536), await UsedAsync());
            Assert.Empty((await _face.Store.Collection<QuotaUsageDocument>().GetAsync(_face.ProjectIdOf("alice"), default))!.Promises);

            // What is deleted is free at once.
            var instances = _face.Store.Collection<InstanceDocument>();
            foreach (var instance in await instances.WhereAsync(i => !i.Deleted, default))
            {
                await instances.UpdateAsync(instance.Key, i => i with { Deleted = true }, default);
            }
        }
    }

    [Fact]
    public async Task Resizes_at_the_same_moment_do_not_exceed_the_quota_together()
    {
        await AdminSetAsync("alice", """{"cores": -1, "ram": 7168, "instances": -1}""");
        var servers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => _face.AddServerAsync("alice", flavorId: "1")));
        var replies = await Task.WhenAll(servers.Select(s => _face.SendAsync("alice", "POST", $"v2.1:/servers/{s.Uuid}/action", """{"resize": {"flavorRef": "2"}}""")));

        // 4 × 512 MiB are there, each resize takes 1536 more: three fit.
        Assert.Equal([202, 202, 202, 403], replies.Select(r => r.Status).Order());
        Assert.Equal((4, 4, 3 * 2048 + 512), await UsedAsync());
    }

    [Fact]
    public async Task A_server_on_its_way_to_a_smaller_flavor_counts_with_the_larger_until_it_cannot_go_back()
    {
        await AdminSetAsync("alice", """{"cores": -1, "ram": -1}""");
        var server = await _face.AddServerAsync("alice", change: i => i with { Flavor = i.Flavor with { Vcpus = 8, MemoryMb = 8192, RootGb = 1, FlavorId = "x" } }, flavorId: "1");
        Assert.Equal(202, (await _face.SendAsync("alice", "POST", $"v2.1:/servers/{server.Uuid}/action", """{"resize": {"flavorRef": "1"}}""")).Status);
        await _face.Store.Collection<InstanceDocument>().UpdateAsync(server.Key, i => i with { Flavor = i.Flavor with { Vcpus = 1, MemoryMb = 512 } }, default);
        Assert.Equal((1, 8, 8192), await UsedAsync());
        await _face.Store.Collection<InstanceDocument>().UpdateAsync(server.Key, i => i with { MigrationUuid = null }, default);
        Assert.Equal((1, 1, 512), await UsedAsync());
    }

    [Fact]
    public async Task A_promise_whose_maker_died_holds_for_a_while_and_then_no_more()
    {
        var usages = _face.Store.Collection<QuotaUsageDocument>();
        var project = _face.ProjectIdOf("alice");
        QuotaPromise Promise(DateTime until) => new("p", until, [new("no such server", "u", 4, 512)]);
        await usages.InsertAsync(new QuotaUsageDocument { Key = project, Promises = [Promise(DateTime.UtcNow.AddMinutes(1))] }, default);
        Assert.Equal(403, (await CreateAsync("v2.1", "1", 1, 1)).Status);
        var detail = (await _face.SendAsync("alice", "GET", $"v2.1:/os-quota-sets/{project}/detail")).Json!["quota_set"]!;
        Assert.Equal("""{"limit":4,"in_use":0,"reserved":4}""", detail["cores"]!.ToJsonString());
        await usages.UpdateAsync(project, u => u with { Promises = [Promise(DateTime.UtcNow.AddSeconds(-1))] }, default);
        Assert.Equal(202, (await CreateAsync("v2.1", "1", 1, 1)).Status);
        Assert.Empty((await usages.GetAsync(project, default))!.Promises);
    }

    [Fact]
    public async Task A_failed_create_gives_back_what_it_was_promised()
    {
        Assert.Equal(400, (await _face.SendAsync("alice", "POST", "v2.1:/servers", """{"server": {"name": "n", "imageRef": "none", "flavorRef": "1"}}""")).Status);
        var ledger = _face.Services.GetRequiredService<QuotaLedger>();
        var bounds = await _face.Services.GetRequiredService<QuotaSettings>().BoundsAsync("p", "u", default);
        var flavor = (await _face.AddServerAsync("bob", flavorId: "1")).Flavor;
        await using (var all = await ledger.ReserveServersAsync("p", "u", 3, 3, flavor, bounds, default))
        {
            Assert.Equal(3, all.Servers.Distinct().Count());
            var refused = await Assert.ThrowsAsync<QuotaExceededException>(() => ledger.ReserveServersAsync("p", "u", 1, 1, flavor, bounds, default));
            Assert.Equal(QuotaResources.Instances, refused.Resource);
        }

        await using var again = await ledger.ReserveServersAsync("p", "u", 3, 3, flavor, bounds, default);
        Assert.Equal(3, again.Servers.Count);
    }

    [Theory]
    [InlineData("v1.1")]
    [InlineData("v2")]
    [InlineData("v2.1")]
    public async Task Quotas_are_shown_set_and_forgotten(string surface)
    {
        var at = $"{surface}:/os-quota-sets/{_face.ProjectIdOf("alice")}";
        var shown = (await _face.SendAsync("alice", "GET", at)).Json!["quota_set"]!.AsObject();
        Assert.Equal([.. QuotaResources.All, "id"], shown.Select(q => q.Key).OrderBy(k => k == "id").ThenBy(k => QuotaResources.All.ToList().IndexOf(k)));
        Assert.Equal((_face.ProjectIdOf("alice"), 3, 10, -1), (shown["id"]!.GetValue<string>(), Int(shown, "instances"), Int(shown, "server_groups"), Int(shown, "fixed_ips")));
        var set = await _face.SendAsync("admin", "PUT", at, """{"quota_set": {"instances": "7", "ram": 8192}}""");
        Assert.Equal((200, 7, 8192, 4, false), (set.Status, Int(set.Json!["quota_set"]!, "instances"), Int(set.Json["quota_set"]!, "ram"), Int(set.Json["quota_set"]!, "cores"), set.Json["quota_set"]!.AsObject().ContainsKey("id")));
        Assert.Equal(7, Int((await _face.SendAsync("alice", "GET", at)).Json!["quota_set"]!, "instances"));
        Assert.Equal(7, Int((await _face.SendAsync("alice", "GET", surface + ":/limits")).Json!["limits"]!["absolute"]!, "maxTotalInstances"));
        Assert.Equal(3, Int((await _face.SendAsync("alice", "GET", at + "/defaults")).Json!["quota_set"]!, "instances"));
        Assert.Equal(202, (await _face.SendAsync("admin", "DELETE", at)).Status);
        Assert.Equal(3, Int((await _face.SendAsync("alice", "GET", at)).Json!["quota_set"]!, "instances"));
    }

    [Fact]
    public async Task A_user_may_be_held_tighter_than_its_tenant()
    {
        var (project, user) = (_face.ProjectIdOf("alice"), (await _face.SendAsync("alice", "GET", "/v3/auth/projects")).Status == 200 ? await UserIdAsync() : "");
        var at = $"v2.1:/os-quota-sets/{project}?user_id={user}";
        Assert.Equal(400, (await _face.SendAsync("admin", "PUT", at, """{"quota_set": {"instances": 4}}""")).Status);
        Assert.Equal(400, (await _face.SendAsync("admin", "PUT", at, """{"quota_set": {"instances": -1}}""")).Status);
        Assert.Equal(200, (await _face.SendAsync("admin", "PUT", at, """{"quota_set": {"instances": 1}}""")).Status);
        Assert.Equal(1, Int((await _face.SendAsync("alice", "GET", at)).Json!["quota_set"]!, "instances"));
        Assert.Equal(3, Int((await _face.SendAsync("alice", "GET", $"v2.1:/os-quota-sets/{project}")).Json!["quota_set"]!, "instances"));
        Assert.Equal(202, (await CreateAsync("v2.1", "1", 1, 1)).Status);
        Assert.Equal(403, (await CreateAsync("v2.1", "1", 1, 1)).Status);
        Assert.Equal(202, (await _face.SendAsync("admin", "DELETE", at)).Status);
        Assert.Equal(202, (await CreateAsync("v2.1", "1", 1, 1)).Status);
    }

    [Theory]
    [InlineData("v1.1")]
    [InlineData("v2.1")]
    public async Task Defaults_are_set_for_the_class_of_all_tenants(string surface)
    {
        var at = surface + ":/os-quota-class-sets/default";
        Assert.Equal(("default", 3), ((await _face.SendAsync("admin", "GET", at)).Json!["quota_class_set"]!["id"]!.GetValue<string>(), Int((await _face.SendAsync("admin", "GET", at)).Json!["quota_class_set"]!, "instances")));
        var set = await _face.SendAsync("admin", "PUT", at, """{"quota_class_set": {"instances": 5}}""");
        Assert.Equal((200, 5, false), (set.Status, Int(set.Json!["quota_class_set"]!, "instances"), set.Json["quota_class_set"]!.AsObject().ContainsKey("id")));
        Assert.Equal(5, Int((await _face.SendAsync("alice", "GET", $"{surface}:/os-quota-sets/{_face.ProjectIdOf("alice")}")).Json!["quota_set"]!, "instances"));
        Assert.Equal(5, Int((await _face.SendAsync("bob", "GET", surface + ":/limits")).Json!["limits"]!["absolute"]!, "maxTotalInstances"));
        Assert.Equal(403, (await _face.SendAsync("alice", "GET", at)).Status);
        Assert.Equal(403, (await _face.SendAsync("alice", "PUT", at, "{}")).Status);
    }

    [Fact]
    public async Task The_same_in_XML()
    {
        var at = $"v1.1:/os-quota-sets/{_face.ProjectIdOf("alice")}";
        var shown = XDocument.Parse((await _face.SendAsync("alice", "GET", at + ".xml")).Text).Root!;
        Assert.Equal((Compute + "quota_set", _face.ProjectIdOf("alice"), "3"), (shown.Name, (string)shown.Attribute("id")!, shown.Element(Compute + "instances")!.Value));
        var set = await _face.SendAsync("admin", "PUT", at + ".xml", "<quota_set><instances>9</instances></quota_set>", ("Content-Type", "application/xml"));
        Assert.Equal("9", XDocument.Parse(set.Text).Root!.Element(Compute + "instances")!.Value);
        var detail = XDocument.Parse((await _face.SendAsync("alice", "GET", at + "/detail.xml")).Text).Root!;
        Assert.Equal("9", (string)detail.Element(Compute + "instances")!.Attribute("limit")!);
        var defaults = XDocument.Parse((await _face.SendAsync("alice", "GET", at + "/defaults.xml")).Text).Root!;
        Assert.Equal("3", defaults.Element(Compute + "instances")!.Value);
        var classes = await _face.SendAsync("admin", "PUT", "v1.1:/os-quota-class-sets/default.xml", "<quota_class_set><cores>5</cores></quota_class_set>", ("Content-Type", "application/xml"));
        Assert.Equal((200, "5"), (classes.Status, XDocument.Parse(classes.Text).Root!.Element(Compute + "cores")!.Value));
        Assert.Equal("default", (string)XDocument.Parse((await _face.SendAsync("admin", "GET", "v1.1:/os-quota-class-sets/default.xml")).Text).Root!.Attribute("id")!);
    }

    [Theory]
    [InlineData("""{"quota_set": {"instances": -2}}""", "instances")]
    [InlineData("""{"quota_set": {"instances": "many"}}""", "instances")]
    [InlineData("""{"quota_set": {"instances": 99999999999}}""", "instances")]
    [InlineData("""{"quota_set": {"instances": 1.5}}""", "instances")]
    [InlineData("""{"quota_set": {"dreams": 1}}""", "dreams")]
    [InlineData("""{"quota_set": {"force": "maybe", "instances": 5}}""", "force")]
    [InlineData("""{"quota_set": {"cores": 1}}""", "already used and reserved 2")]
    [InlineData("""{"quota_set": []}""", "quota_set")]
    [InlineData("""{}""", "quota_set")]
    public async Task A_wrong_quota_is_refused_and_changes_nothing(string body, string said)
    {
        Assert.Equal(202, (await CreateAsync("v2.1", "1", 2, 2)).Status);
        var at = $"v2.1:/os-quota-sets/{_face.ProjectIdOf("alice")}";
        var before = (await _face.SendAsync("alice", "GET", at)).Text;
        var reply = await _face.SendAsync("admin", "PUT", at, body);
        Assert.Equal(400, reply.Status);
        Assert.Contains(said, reply.Fault.Message, StringComparison.Ordinal);
        Assert.Equal(before, (await _face.SendAsync("alice", "GET", at)).Text);
        if (said.StartsWith("already", StringComparison.Ordinal))
        {
            Assert.Equal(200, (await _face.SendAsync("admin", "PUT", at, body.Replace("}}", ", \"force\": true}}", StringComparison.Ordinal))).Status);
        }
    }

    [Fact]
    public async Task Other_tenants_quotas_and_limits_are_their_own_affair()
    {
        var bob = _face.ProjectIdOf("bob");
        foreach (var (method, path) in new[]
        {
            ("GET", $"/os-quota-sets/{bob}"), ("GET", $"/os-quota-sets/{bob}/defaults"), ("GET", $"/os-quota-sets/{bob}/detail"), ("PUT", $"/os-quota-sets/{bob}"),
            ("DELETE", $"/os-quota-sets/{bob}"), ("PUT", $"/os-quota-sets/{_face.ProjectIdOf("alice")}"), ("GET", $"/limits?tenant_id={bob}"),
        })
        {
            Assert.Equal(403, (await _face.SendAsync("alice", method, "v2.1:" + path, method == "PUT" ? """{"quota_set": {"ram": 1}}""" : null)).Status);
        }

        await _face.AddServerAsync("bob");
        Assert.Equal(1, Int((await _face.SendAsync("admin", "GET", $"v2.1:/limits?tenant_id={bob}")).Json!["limits"]!["absolute"]!, "totalInstancesUsed"));
    }

    private async Task<string> UserIdAsync()
    {
        using var answer = await System.Net.Http.Json.HttpClientJsonExtensions.PostAsJsonAsync(_face.Http, "/v3/auth/tokens", Face.PasswordBody("alice", "alice's secret"));
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["token"]!["user"]!["id"]!.GetValue<string>();
    }

    private Task<Reply> CreateAsync(string surface, string flavor, int least, int most) => _face.SendAsync(
        "alice", "POST", surface + ":/servers", $$$"""{"server": {"name": "n", "imageRef": "{{{Face.ImageId}}}", "flavorRef": "{{{flavor}}}", "min_count": {{{least}}}, "max_count": {{{most}}}}}""");

    private async Task AdminSetAsync(string user, string quotas) =>
        Assert.Equal(200, (await _face.SendAsync("admin", "PUT", $"v2.1:/os-quota-sets/{_face.ProjectIdOf(user)}", $$"""{"quota_set": {{quotas}}}""")).Status);

    private async Task<(int Instances, int Cores, int Ram)> UsedAsync()
    {
        var absolute = (await _face.SendAsync("alice", "GET", "v2.1:/limits")).Json!["limits"]!["absolute"]!;
        return (Int(absolute, "totalInstancesUsed"), Int(absolute, "totalCoresUsed"), Int(absolute, "totalRAMUsed"));
    }

    private static int Int(JsonNode node, string key) => node[key]!.GetValue<int>();
}
