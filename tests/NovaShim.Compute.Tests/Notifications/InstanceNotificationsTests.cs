using System.Collections.Concurrent;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Compute.Tests.Notifications;

/// <summary>What a listener on the bus hears of a server's life, in Nova's words.</summary>
public sealed class InstanceNotificationsTests
{
    [Fact]
    public async Task A_server_that_is_built_resized_both_ways_and_deleted_is_told_of_step_by_step()
    {
        await using var cloud = await TestCloud.StartAsync(new World());
        await using var heard = await Listener.StartAsync(cloud.Bus);

        var server = await cloud.BootAsync();
        await ResizeAsync(cloud, server);
        await cloud.Api.RevertResizeAsync(await GetAsync(cloud, server), TestCloud.NewContext(), default);
        await cloud.UntilAsync(server.Uuid, i => i is { VmState: VmStates.Active, TaskState: null, MigrationUuid: null });
        await ResizeAsync(cloud, server);
        await cloud.Api.ConfirmResizeAsync(await GetAsync(cloud, server), TestCloud.NewContext(), default);
        await cloud.UntilAsync(server.Uuid, i => i is { VmState: VmStates.Active, TaskState: null, MigrationUuid: null });
        await cloud.Api.DeleteAsync(await GetAsync(cloud, server), TestCloud.NewContext(), default);

        string[] there = ["resize.prep.start", "resize.prep.end", "resize.start", "resize.end", "finish_resize.start", "finish_resize.end"];
        string[] expected = ["create.start", "create.end", .. there, "resize.revert.start", "resize.revert.end", .. there, "resize.confirm.start", "resize.confirm.end", "delete.start", "delete.end"];
        await TestCloud.PollAsync(() => Task.FromResult(heard.Messages.Count), n => n >= expected.Length);
        // Messages of one sender may overtake one another; none is missing and none is too many.
        Assert.Equal(expected.Select(e => "compute.instance." + e).Order(), heard.Messages.Select(m => Text(m, "event_type")).Order());
        Assert.All(heard.Messages, m => Assert.Equal("notify", m.Method));
        var create = heard.Messages.Single(m => Text(m, "event_type") == "compute.instance.create.end");
        var payload = create.Args["payload"];
        Assert.Equal(("INFO", "compute." + server.Host, create.MessageId), (Text(create, "priority"), Text(create, "publisher_id"), Text(create, "message_id")));
        Assert.Equal((server.Uuid, "p", "active", 512, "small"), (
            payload.GetProperty("instance_id").GetString(), payload.GetProperty("tenant_id").GetString(), payload.GetProperty("state").GetString(), payload.GetProperty("memory_mb").GetInt32(),
            payload.GetProperty("instance_type").GetString()));
        Assert.False(payload.TryGetProperty("exception", out _));
    }

    [Fact]
    public async Task A_failure_is_told_with_its_reason_and_the_unwinding_is_no_revert()
    {
        var world = new World();
        await using var cloud = await TestCloud.StartAsync(world);
        await using var heard = await Listener.StartAsync(cloud.Bus);
        var server = await cloud.BootAsync();
        world.Fail("migrate_disk", 1, () => new StepFailedException("the cable is out", StepRecovery.Unwind));

        await cloud.Api.ResizeAsync(server, TestCloud.Big, TestCloud.NewContext(), default);
        await cloud.UntilAsync(server.Uuid, i => i is { VmState: VmStates.Active, TaskState: null, MigrationUuid: null });

        await TestCloud.PollAsync(() => Task.FromResult(heard.Messages.Count), n => n >= 6);
        var error = heard.Messages.Single(m => Text(m, "priority") == "ERROR");
        Assert.Equal(("compute.instance.resize.error", "the cable is out"), (Text(error, "event_type"), error.Args["payload"].GetProperty("exception").GetString()));
        Assert.DoesNotContain(heard.Messages, m => Text(m, "event_type")!.Contains("revert", StringComparison.Ordinal));
    }

    private static string? Text(Message message, string name) => message.Args[name].GetString();

    private static async Task<InstanceDocument> GetAsync(TestCloud cloud, InstanceDocument server) => (await cloud.Store.Collection<InstanceDocument>().GetAsync(server.Uuid, default))!;

    private static async Task ResizeAsync(TestCloud cloud, InstanceDocument server)
    {
        await cloud.Api.ResizeAsync(await GetAsync(cloud, server), TestCloud.Big, TestCloud.NewContext(), default);
        await cloud.UntilAsync(server.Uuid, i => i is { VmState: VmStates.Resized, TaskState: null });
    }

    private sealed class Listener : IAsyncDisposable
    {
        private readonly List<IAsyncDisposable> _subscriptions = [];

        public ConcurrentQueue<Message> Messages { get; } = new();

        public static async Task<Listener> StartAsync(IMessageBus bus)
        {
            var listener = new Listener();
            foreach (var priority in new[] { "INFO", "ERROR" })
            {
                listener._subscriptions.Add(await bus.SubscribeAsync(
                    Subjects.Notifications(priority),
                    null,
                    (message, _) =>
                    {
                        listener.Messages.Enqueue(message);
                        return Task.FromResult<Message?>(null);
                    },
                    default));
            }

            return listener;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var subscription in _subscriptions)
            {
                await subscription.DisposeAsync();
            }
        }
    }
}
