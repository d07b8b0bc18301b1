using NovaShim.Compute.Documents;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Tests.Servers;

[Collection(SharedFace.Name)]
public sealed class ServerActionTests(Face face)
{
    /// <summary>The rules of a resize from flavor 3, by surface: what v1.1 answers, what 2.1 answers, and words of each message.</summary>
    public static TheoryData<string, int, string, int, string> ResizeRules => new()
    {
        { """{"resize": {}}""", 400, "Resize requests require 'flavorRef' attribute.", 400, "resize.flavorRef" },
        { """{"resize": null}""", 400, "Resize requests require 'flavorRef' attribute.", 400, "resize.flavorRef" },
        { """{"resize": {"flavorRef": null}}""", 400, "Resize requests require 'flavorRef' attribute.", 400, "resize.flavorRef" },
        { """{"resize": {"flavorRef": ""}}""", 400, "Resize request has invalid 'flavorRef' attribute.", 400, "resize.flavorRef" },
        { """{"resize": {"flavorRef": []}}""", 400, "flavorRef", 400, "resize.flavorRef" },
        { """{"resize": {"flavorRef": "77"}}""", 400, "Unable to locate requested flavor.", 400, "77" },
        { """{"resize": {"flavorRef": "m1.large"}}""", 400, "Unable to locate requested flavor.", 400, "m1.large" },
        { """{"resize": {"flavorRef": "3"}}""", 400, "Resize requires a change in size.", 400, "change flavor" },
        { """{"resize": {"flavorRef": "2"}}""", 400, "Resizing to a smaller size is not supported.", 400, "disk" },
        { """{"resize": {"flavorRef": "4"}}""", 202, "", 202, "" },
        { """{"resize": {"flavorRef": 4}}""", 202, "", 202, "" },
        { """{"resize": {"flavorId": "4"}}""", 202, "", 202, "" },
        { """{"resize": {"flavorRef": "http://elsewhere/v1.1/t/flavors/4"}}""", 202, "", 202, "" },
    };

    [Theory]
    [MemberData(nameof(ResizeRules))]
    public async Task A_resize_keeps_the_surfaces_rules(string body, int v11, string v11Message, int v21, string v21Message)
    {
        foreach (var (surface, status, message) in new[] { ("v1.1", v11, v11Message), ("v2.1", v21, v21Message) })
        {
            var server = await face.AddServerAsync("alice", flavorId: "3");
            var reply = await face.SendAsync("alice", "POST", $"{surface}:/servers/{server.Uuid}/action", body);
            Assert.True(status == reply.Status, $"{surface}: {reply.Status} {reply.Text}");
            var shown = (await face.SendAsync("alice", "GET", $"{surface}:/servers/{server.Uuid}")).Json!["server"]!["status"]!.GetValue<string>();
            Assert.Equal(status == 202 ? "RESIZE" : "ACTIVE", shown);
            if (status == 202)
            {
                Assert.Equal("", reply.Text);
                await DeleteAsync(server);
            }
            else
            {
                Assert.Contains(message, reply.Fault.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_resize_beyond_the_quota_is_413_in_2011_and_403_today()
    {
        var small = await Face.StartAsync(("quota:cores", "3"));
        try
        {
            var server = await small.AddServerAsync("alice", flavorId: "2");
            foreach (var (surface, status, name) in new[] { ("v1.1", 413, "overLimit"), ("v2.1", 403, "forbidden") })
            {
                var reply = await small.SendAsync("alice", "POST", $"{surface}:/servers/{server.Uuid}/action", """{"resize": {"flavorRef": "4"}}""");
                Assert.Equal((status, name), (reply.Status, reply.Fault.Name));
                Assert.Contains("cores", reply.Fault.Message, StringComparison.Ordinal);
            }

            Assert.Equal(202, (await small.SendAsync("alice", "POST", $"v2.1:/servers/{server.Uuid}/action", """{"resize": {"flavorRef": "3"}}""")).Status);
        }
        finally
        {
            await small.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(VmStates.Resizing, TaskStates.ResizeMigrating)]
    [InlineData(VmStates.Resized, null)]
    [InlineData(VmStates.Error, null)]
    [InlineData(VmStates.Active, TaskStates.Rebooting)]
    [InlineData(VmStates.Building, TaskStates.Spawning)]
    public async Task What_the_state_does_not_allow_is_a_conflict(string vmState, string? taskState)
    {
        var server = await face.AddServerAsync("alice", "busy", vmState, i => i with { TaskState = taskState });
        foreach (var (surface, name) in new[] { ("v1.1", "inProgress"), ("v2.1", "conflictingRequest") })
        {
            foreach (var body in new[] { """{"resize": {"flavorRef": "4"}}""", """{"reboot": {"type": "SOFT"}}""" })
            {
                var reply = await face.SendAsync("alice", "POST", $"{surface}:/servers/{server.Uuid}/action", body);
                Assert.Equal((409, name), (reply.Status, reply.Fault.Name));
                Assert.Contains(taskState is null ? "vm_state" : "task_state", reply.Fault.Message, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("confirmResize")]
    [InlineData("revertResize")]
    public async Task Without_a_finished_migration_there_is_nothing_to_decide(string action)
    {
        var server = await face.AddServerAsync("alice");
        var reply = await face.SendAsync("alice", "POST", $"v1.1:/servers/{server.Uuid}/action", $$"""{"{{action}}": null}""");
        Assert.Equal((400, "badRequest"), (reply.Status, reply.Fault.Name));
        reply = await face.SendAsync("alice", "POST", $"v2.1:/servers/{server.Uuid}/action", $$"""{"{{action}}": null}""");
        Assert.Equal((409, "conflictingRequest"), (reply.Status, reply.Fault.Name));
    }

    [Fact]
    public async Task A_finished_migration_is_confirmed_with_204_and_reverted_with_202()
    {
        foreach (var (action, status, shown) in new[] { ("confirmResize", 204, "VERIFY_RESIZE"), ("revertResize", 202, "REVERT_RESIZE") })
        {
            var server = await face.AddServerAsync("alice");
            Assert.Equal(202, (await face.SendAsync("alice", "POST", $"v2.1:/servers/{server.Uuid}/action", """{"resize": {"flavorRef": "4"}}""")).Status);
            var resizing = (await face.Store.Collection<InstanceDocument>().GetAsync(server.Uuid, default))!;
            await face.Store.Collection<MigrationDocument>().UpdateAsync(resizing.MigrationUuid!, m => m with { Status = MigrationStatus.Finished, DestCompute = "xen2" }, default);
            await face.Store.Collection<InstanceDocument>().UpdateAsync(server.Uuid, i => i with { VmState = VmStates.Resized, TaskState = null }, default);
            var reply = await face.SendAsync("alice", "POST", $"v2.1:/servers/{server.Uuid}/action", $$"""{"{{action}}": null}""");
            Assert.Equal((status, ""), (reply.Status, reply.Text));
            Assert.Equal(shown, (await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}")).Json!["server"]!["status"]!.GetValue<string>());
            Assert.Contains(action, (await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}/os-instance-actions")).Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Only_administrators_migrate_and_others_are_told_so_before_anything_is_looked_up()
    {
        var server = await face.AddServerAsync("alice");
        foreach (var id in new[] { server.Uuid, "no-such-server" })
        {
            Assert.Equal(403, (await face.SendAsync("alice", "POST", $"v2.1:/servers/{id}/action", """{"migrate": null}""")).Status);
            var reply = await face.SendAsync("alice", "POST", $"v1.1:/servers/{id}/migrate");
            Assert.Equal((403, "resizeNotAllowed"), (reply.Status, reply.Fault.Name));
        }

        Assert.Equal(404, (await face.SendAsync("admin", "POST", "v2.1:/servers/no-such-server/action", """{"migrate": null}""")).Status);
        Assert.Equal(202, (await face.SendAsync("admin", "POST", $"v1.1:/servers/{server.Uuid}/migrate")).Status);
        var migrations = (await face.SendAsync("admin", "GET", $"v2.1:/os-migrations?instance_uuid={server.Uuid}")).Json!["migrations"]!.AsArray();
        Assert.Equal("queued", migrations.Single()!["status"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_locked_server_is_left_alone_by_all_but_administrators()
    {
        var server = await face.AddServerAsync("alice", change: i => i with { Locked = true });
        Assert.Equal(409, (await face.SendAsync("alice", "POST", $"v2.1:/servers/{server.Uuid}/action", """{"resize": {"flavorRef": "4"}}""")).Status);
        Assert.Equal(409, (await face.SendAsync("alice", "DELETE", $"v2.1:/servers/{server.Uuid}")).Status);
        Assert.Equal(202, (await face.SendAsync("admin", "POST", $"v2.1:/servers/{server.Uuid}/action", """{"resize": {"flavorRef": "4"}}""")).Status);
    }

    [Theory]
    [InlineData("""{"explode": null}""", "no such action: explode")]
    [InlineData("""{}""", "exactly one key")]
    [InlineData("""{"resize": {"flavorRef": "4"}, "reboot": null}""", "exactly one key")]
    [InlineData("""{"reboot": {}}""", "type")]
    [InlineData("""{"reboot": {"type": "GENTLE"}}""", "reboot.type")]
    [InlineData("""{"reboot": {"type": 1}}""", "reboot.type")]
    [InlineData("""["resize"]""", "object")]
    public async Task An_action_that_is_none_is_a_bad_request(string body, string words)
    {
        var server = await face.AddServerAsync("alice");
        var reply = await face.SendAsync("alice", "POST", $"v2.1:/servers/{server.Uuid}/action", body);
        Assert.Equal(400, reply.Status);
        Assert.Contains(words, reply.Fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Actions_are_recorded_with_the_request_that_asked_and_their_steps_are_for_administrators()
    {
        var server = await face.AddServerAsync("alice");
        var reboot = await face.SendAsync("alice", "POST", $"v2.1:/servers/{server.Uuid}/action", """{"reboot": {"type": "HARD"}}""");
        var request = reboot.Headers["x-openstack-request-id"];
        var one = await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}/os-instance-actions/{request}");
        Assert.Equal("reboot", one.Json!["instanceAction"]!["action"]!.GetValue<string>());
        Assert.False(one.Json["instanceAction"]!.AsObject().ContainsKey("events"));
        one = await face.SendAsync("admin", "GET", $"v2.1:/servers/{server.Uuid}/os-instance-actions/{request}");
        Assert.True(one.Json!["instanceAction"]!.AsObject().ContainsKey("events"));
        Assert.Equal(404, (await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}/os-instance-actions/req-none")).Status);
    }

    private async Task DeleteAsync(InstanceDocument server) =>
        await face.Store.Collection<InstanceDocument>().UpdateAsync(server.Uuid, i => i with { Deleted = true }, default);
}
