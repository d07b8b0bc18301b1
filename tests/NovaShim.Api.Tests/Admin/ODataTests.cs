using System.Text.Json.Nodes;
using Microsoft.OData.Edm;
using NovaShim.Api.Admin;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Api.Tests.Admin;

public sealed class ODataTests : IAsyncLifetime
{
    private static readonly DateTime Stopped = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    private Face _face = null!;

    public async Task InitializeAsync()
    {
        _face = await Face.StartAsync();
        await AddMigrationAsync(1, "finished", "xen1", "xen2", 100);
        await AddMigrationAsync(2, "migrating", "xen2", null, 40);
        await AddMigrationAsync(3, "error", "xen1", "xen3", 10);
    }

    public Task DisposeAsync() => _face.DisposeAsync();

    [Theory]
    [InlineData("$orderby=id", "1 2 3")]
    [InlineData("$orderby=id desc", "3 2 1")]
    [InlineData("$filter=status eq 'finished'", "1")]
    [InlineData("$filter=status ne 'error' and id gt 1", "2")]
    [InlineData("$filter=contains(status,'ing')", "2")]
    [InlineData("$filter=startswith(dest_compute,'xen3')", "3")]
    [InlineData("$filter=dest_compute eq null", "2")]
    [InlineData("$filter=saga/progress/percent ge 40&$orderby=id", "1 2")]
    [InlineData("$filter=saga/progress/rounds/any(r: r/guest_running eq false)&$orderby=id", "1 2 3")]
    [InlineData("$filter=saga/progress/stopped_at gt 2026-01-01T00:00:00Z&$orderby=id", "1 2 3")]
    [InlineData("$filter=created_at lt 2001-01-01T00:00:00Z", "")]
    [InlineData("$filter=instance_uuid eq 'server-3'", "3")]
    [InlineData("$filter=source_compute in ('xen2','xen9')", "2")]
    [InlineData("$orderby=source_compute desc,id desc", "2 3 1")]
    [InlineData("$orderby=id&$skip=1&$top=1", "2")]
    [InlineData("$orderby=id&$top=0", "")]
    public async Task Queries_select(string query, string ids)
    {
        var reply = await _face.SendAsync("admin", "GET", $"/odata/v1/Migrations?{query}");
        Assert.True(reply.Status == 200, reply.Text);
        Assert.Equal(ids, string.Join(' ', Value(reply).Select(m => m["id"]!.GetValue<int>())));
    }

    [Theory]
    [InlineData("$filter=no_such eq 1")]
    [InlineData("$filter=status eq")]
    [InlineData("$filter=id eq 'x'")]
    [InlineData("$filter=saga/source_offer eq 'x'")]
    [InlineData("$filter=saga/checkpoint ne null")]
    [InlineData("$select=saga/destination_offer")]
    [InlineData("$orderby=no_such")]
    [InlineData("$top=-1")]
    [InlineData("$top=many")]
    [InlineData("$top=100000")]
    [InlineData("$skip=-1")]
    [InlineData("$count=perhaps")]
    [InlineData("$expand=saga")]
    [InlineData("$apply=aggregate(id with sum as total)")]
    [InlineData("$search=x")]
    [InlineData("$unknown=1")]
    [InlineData("$filter=id div 0 eq 1")]
    [InlineData("$filter=matchesPattern(status,'(a%2B)%2B$')")]
    [InlineData("$filter=length(id) eq 1")]
    [InlineData("$filter=cast(id,Edm.Nonsense) eq 1")]
    public async Task A_query_that_cannot_be_run_is_a_bad_request_that_says_why(string query)
    {
        var reply = await _face.SendAsync("admin", "GET", $"/odata/v1/Migrations?{query}");
        Assert.Equal((400, "badRequest"), (reply.Status, reply.Fault.Name));
    }

    [Fact]
    public async Task A_hostile_filter_is_refused_and_does_no_harm()
    {
        var deep = string.Join(" or ", Enumerable.Range(0, 200).Select(n => $"id eq {n}"));
        Assert.Equal(400, (await _face.SendAsync("admin", "GET", $"/odata/v1/Migrations?$filter={deep}")).Status);
        Assert.Equal(400, (await _face.SendAsync("admin", "GET", $"/odata/v1/Migrations?$filter={new string('(', 500)}id eq 1{new string(')', 500)}")).Status);
        Assert.Equal(200, (await _face.SendAsync("admin", "GET", "/odata/v1/Migrations")).Status);
    }

    [Fact]
    public async Task A_migration_shows_its_rounds_and_times_and_none_of_what_hosts_hand_one_another()
    {
        var reply = await _face.SendAsync("admin", "GET", "/odata/v1/Migrations?$filter=id eq 1&$count=true");
        Assert.Equal(1, reply.Json!["@odata.count"]!.GetValue<int>());
        var saga = Value(reply).Single()["saga"]!;
        var progress = saga["progress"]!;
        Assert.Equal(["base", "last delta"], progress["rounds"]!.AsArray().Select(r => r!["name"]!.GetValue<string>()));
        Assert.Equal((1000, true), (progress["rounds"]![0]!["bytes"]!.GetValue<int>(), progress["rounds"]![0]!["guest_running"]!.GetValue<bool>()));
        Assert.Equal(2.5, (progress["started_at"]!.GetValue<DateTime>() - progress["stopped_at"]!.GetValue<DateTime>()).TotalSeconds);
        Assert.DoesNotContain("secret", reply.Text, StringComparison.OrdinalIgnoreCase);
        Assert.False(saga.AsObject().ContainsKey("source_offer") || saga.AsObject().ContainsKey("checkpoint") || saga.AsObject().ContainsKey("disk_info"));
    }

    [Fact]
    public async Task Select_picks_also_from_within()
    {
        var reply = await _face.SendAsync("admin", "GET", "/odata/v1/Migrations?$filter=id eq 1&$select=id,saga/progress/percent,saga/step");
        Assert.Equal("""{"id":1,"saga":{"progress":{"percent":100},"step":"schedule"}}""", Value(reply).Single().ToJsonString());
    }

    [Fact]
    public async Task Instances_and_hosts_can_be_asked_about_too()
    {
        var server = await _face.AddServerAsync("alice", "known");
        var reply = await _face.SendAsync("admin", "GET", "/odata/v1/Instances?$filter=host eq 'xen1' and vm_state eq 'active' and flavor/memory_mb gt 1024 and power_state eq 'Running'");
        Assert.Equal(server.Uuid, Value(reply).Single()["uuid"]!.GetValue<string>());
        await _face.Store.Collection<ComputeNodeDocument>().InsertAsync(
            new ComputeNodeDocument { Key = "xen1", Id = 1, Host = "xen1", Driver = "xenserver", Stats = new HostStats { HypervisorHostname = "xen1.example", HypervisorType = "xen", HypervisorVersion = 8002001, Vcpus = 8, MemoryMb = 16384, LocalGb = 200 } }, default);
        reply = await _face.SendAsync("admin", "GET", "/odata/v1/Hosts?$filter=stats/memory_mb ge 16384");
        Assert.Equal("xen1", Value(reply).Single()["host"]!.GetValue<string>());
    }

    [Fact]
    public async Task Actions_can_be_asked_about_and_about_how_their_steps_went()
    {
        var actions = new InstanceActions(_face.Store, TimeProvider.System);
        var context = new RequestContext { RequestId = "req-1", UserId = "u", ProjectId = "p" };
        await actions.StartAsync("server-1", "resize", context, default);
        await actions.RecordAsync("server-1", context, "compute_prep_resize", "xen2", DateTime.UtcNow, "no room", default);
        await actions.StartAsync("server-1", "reboot", context with { RequestId = "req-2" }, default);

        var reply = await _face.SendAsync("admin", "GET", "/odata/v1/InstanceActions?$filter=events/any(e: e/result eq 'Error' and e/host eq 'xen2')&$count=true&$orderby=start_time desc");
        Assert.True(reply.Status == 200, reply.Text);
        Assert.Equal(("req-1", "no room", 1), (Value(reply).Single()["request_id"]!.GetValue<string>(), Value(reply).Single()["message"]!.GetValue<string>(), reply.Json!["@odata.count"]!.GetValue<int>()));
    }

    [Fact]
    public async Task It_is_for_administrators_alone()
    {
        foreach (var path in new[] { "Migrations", "Instances", "InstanceActions", "Hosts", "$metadata", "Migrations?$filter=nonsense" })
        {
            Assert.Equal(403, (await _face.SendAsync("alice", "GET", $"/odata/v1/{path}")).Status);
        }

        var metadata = await _face.SendAsync("admin", "GET", "/odata/v1/$metadata");
        Assert.Contains("instance_uuid", metadata.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("source_offer", metadata.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Offer", metadata.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_can_be_asked_about_is_what_is_shown()
    {
        await _face.AddServerAsync("alice");
        foreach (var (set, type) in new[] { ("Migrations", typeof(MigrationDocument)), ("Instances", typeof(InstanceDocument)) })
        {
            var shown = Value(await _face.SendAsync("admin", "GET", $"/odata/v1/{set}"))[0].AsObject();
            var edm = (IEdmStructuredType)AdminModel.Edm.FindDeclaredType(type.FullName);
            AssertSame(edm, shown);
        }
    }

    private static void AssertSame(IEdmStructuredType type, JsonObject shown)
    {
        Assert.Equal(type.Properties().Select(p => p.Name).Order(StringComparer.Ordinal), shown.Select(p => p.Key).Order(StringComparer.Ordinal));
        foreach (var property in type.Properties())
        {
            if (property.Type.Definition is IEdmStructuredType inner && shown[property.Name] is JsonObject node)
            {
                AssertSame(inner, node);
            }
        }
    }

    private static IReadOnlyList<JsonNode> Value(Reply reply) => [.. reply.Json!["value"]!.AsArray().Select(v => v!)];

    private Task AddMigrationAsync(int id, string status, string source, string? destination, int percent)
    {
        var flavor = new Flavor { Id = 1, FlavorId = "1", Name = "m1.tiny", MemoryMb = 512, Vcpus = 1, RootGb = 1 };
        return _face.Store.Collection<MigrationDocument>().InsertAsync(
            new MigrationDocument
            {
                Key = $"migration-{id}", Uuid = $"migration-{id}", Id = id, InstanceUuid = $"server-{id}", SourceCompute = source, DestCompute = destination, OldInstanceTypeId = 1, NewInstanceTypeId = 2,
                Status = status, MigrationType = "resize",
                Saga = new Saga
                {
                    Step = "schedule", Context = new RequestContext { RequestId = "req-secret" }, OldFlavor = flavor, NewFlavor = flavor, SourceOffer = "secret", DestinationOffer = "secret", DiskInfo = "secret",
                    Checkpoint = "secret",
                    Progress = new MigrationProgress
                    {
                        Percent = percent, StoppedAt = Stopped, StartedAt = Stopped.AddSeconds(2.5), Rounds = [new CopyRound("base", 1000, 1.5, true), new CopyRound("last delta", 10, 0.1, false)],
                    },
                },
            },
            default);
    }
}
