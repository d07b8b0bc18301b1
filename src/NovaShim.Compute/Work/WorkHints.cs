using System.Text.Json;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;

namespace NovaShim.Compute.Work;

/// <summary>Tells an actor that work is due with it: the message is the step's name and whom it is about. A hint that is lost costs a poll interval, nothing else.</summary>
public sealed class WorkHints(IMessageBus bus)
{
    /// <summary>The next step of a migration is due.</summary>
    public Task MigrationDueAsync(MigrationDocument m, CancellationToken cancellation) =>
        CastAsync(m.Saga, new() { ["migration_uuid"] = m.Uuid, ["instance_uuid"] = m.InstanceUuid }, cancellation);

    /// <summary>Work on a server is due.</summary>
    public Task InstanceDueAsync(InstanceDocument i, CancellationToken cancellation) =>
        i.Work is null ? Task.CompletedTask : CastAsync(i.Work, new() { ["instance_uuid"] = i.Uuid }, cancellation);

    private Task CastAsync(WorkItem item, Dictionary<string, string> args, CancellationToken cancellation) =>
        item.Actor is null
            ? Task.CompletedTask
            : bus.CastAsync(
                item.Actor == Actors.Scheduler ? Subjects.Scheduler : Subjects.Compute(item.Actor),
                new Message
                {
                    Method = item.Step, Args = args.ToDictionary(a => a.Key, a => JsonSerializer.SerializeToElement(a.Value, MessageJson.Default.String)), Context = item.Context, MessageId = Guid.NewGuid().ToString("N"),
                },
                cancellation);
}
