using NovaShim.Compute.Documents;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Tests.Admin;

[Collection(SharedFace.Name)]
public sealed class MigrationVerbsTests(Face face)
{
    [Fact]
    public async Task A_migration_is_aborted_and_retried_by_administrators()
    {
        var server = await face.AddServerAsync("alice", flavorId: "3");
        Assert.Equal(202, (await face.SendAsync("alice", "POST", $"v2.1:/servers/{server.Uuid}/action", """{"resize": {"flavorRef": "4"}}""")).Status);
        var migration = await face.Store.Collection<MigrationDocument>().FirstOrDefaultAsync(m => m.InstanceUuid == server.Uuid, default);
        foreach (var verb in new[] { "abort", "retry" })
        {
            Assert.Equal(401, (await face.SendAsync(null, "POST", $"/admin/v1/migrations/{migration!.Uuid}/{verb}")).Status);
            Assert.Equal(403, (await face.SendAsync("alice", "POST", $"/admin/v1/migrations/{migration.Uuid}/{verb}")).Status);
            Assert.Equal(404, (await face.SendAsync("admin", "POST", $"/admin/v1/migrations/nowhere/{verb}")).Status);
            Assert.Equal(202, (await face.SendAsync("admin", "POST", $"/admin/v1/migrations/{migration.Uuid}/{verb}")).Status);
        }

        var stored = (await face.Store.Collection<MigrationDocument>().UpdateAsync(migration!.Key, m => m with { Status = MigrationStatus.Finished, Saga = m.Saga with { Step = "await_verification" } }, default))!;
        Assert.Equal("An administrator has aborted the migration.", stored.Saga.AbortReason);
        foreach (var verb in new[] { "abort", "retry" })
        {
            var refused = await face.SendAsync("admin", "POST", $"/admin/v1/migrations/{migration.Uuid}/{verb}");
            Assert.Equal((409, "conflictingRequest"), (refused.Status, refused.Fault.Name));
            Assert.Contains("confirm or revert", refused.Fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_servers_state_is_reset_by_administrators()
    {
        var server = await face.AddServerAsync("alice", change: i => i with { LaunchedAt = DateTime.UtcNow });
        Task<Reply> ResetAsync(string user, string body) => face.SendAsync(user, "POST", $"v2.1:/servers/{server.Uuid}/action", body);
        Assert.Equal(403, (await ResetAsync("alice", """{"os-resetState": {"state": "error"}}""")).Status);
        Assert.Equal(400, (await ResetAsync("admin", """{"os-resetState": {"state": "gone"}}""")).Status);
        Assert.Equal(400, (await ResetAsync("admin", """{"os-resetState": {}}""")).Status);
        Assert.Equal(400, (await ResetAsync("admin", """{"os-resetState": null}""")).Status);
        foreach (var (state, vmState) in new[] { ("error", VmStates.Error), ("active", VmStates.Active) })
        {
            Assert.Equal(202, (await ResetAsync("admin", $$$"""{"os-resetState": {"state": "{{{state}}}"}}""")).Status);
            Assert.Equal(vmState, (await face.Store.Collection<InstanceDocument>().GetAsync(server.Uuid, default))!.VmState);
        }
    }
}
