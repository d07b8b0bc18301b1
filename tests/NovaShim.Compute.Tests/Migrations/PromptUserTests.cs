using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;

namespace NovaShim.Compute.Tests.Migrations;

/// <summary>A user who answers the moment VERIFY_RESIZE shows: before the runner has written down that it waits for the answer.</summary>
public sealed class PromptUserTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_answer_counts_although_a_runner_holds_the_migration(bool confirm)
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        var server = await cloud.BootAsync();
        await cloud.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        server = await cloud.UntilAsync(server.Uuid, i => i is { VmState: VmStates.Resized, TaskState: null });
        var migrations = cloud.Store.Collection<MigrationDocument>();
        var waiting = await cloud.MigrationUntilAsync(server.Uuid, m => m.Saga.Step == ResizeMigration.AwaitVerification);
        var runner = new Lease("a runner in another process", DateTime.UtcNow.AddHours(1));
        var held = await migrations.ReplaceAsync(waiting with { Saga = waiting.Saga with { Step = ResizeMigration.VerifyResize, Actor = "two", Lease = runner } }, default);

        await (confirm ? cloud.Api.ConfirmResizeAsync(server, TestCloud.NewContext(), default) : cloud.Api.RevertResizeAsync(server, TestCloud.NewContext(), default));

        Assert.NotNull(held);
        await cloud.MigrationUntilAsync(server.Uuid, m => m.Status == (confirm ? MigrationStatus.Confirmed : MigrationStatus.Reverted));
        var rested = await cloud.UntilAsync(server.Uuid, i => i is { VmState: VmStates.Active, TaskState: null, MigrationUuid: null });
        Assert.Equal(confirm ? "two" : "one", rested.Host);
        Assert.Empty(cloud.World.Violations);
    }
}
