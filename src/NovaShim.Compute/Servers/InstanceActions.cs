using NovaShim.Compute.Documents;
using NovaShim.Compute.Messaging;

namespace NovaShim.Compute.Servers;

/// <summary>The action log of servers: who asked for what, and how each step of it went.</summary>
public sealed class InstanceActions(IDocumentStore store, TimeProvider time)
{
    private readonly IDocumentCollection<InstanceActionDocument> _actions = store.Collection<InstanceActionDocument>();

    /// <summary>Records that a user asked for something. Once per request and server.</summary>
    public async Task StartAsync(string instanceUuid, string action, RequestContext context, CancellationToken cancellation)
    {
        try
        {
            await _actions.InsertAsync(
                new InstanceActionDocument
                {
                    Key = Key(instanceUuid, context), InstanceUuid = instanceUuid, Action = action, RequestId = context.RequestId,
                    UserId = context.UserId, ProjectId = context.ProjectId, StartTime = time.GetUtcNow().UtcDateTime,
                },
                cancellation);
        }
        catch (DuplicateKeyException)
        {
            // Recorded already.
        }
    }

    /// <summary>Records how a step of it went; an error becomes the action's message.</summary>
    public Task RecordAsync(string instanceUuid, RequestContext context, string step, string host, DateTime began, string? error, CancellationToken cancellation)
    {
        var entry = new InstanceActionEvent(step, host, began, time.GetUtcNow().UtcDateTime, error is null ? "Success" : "Error", error);
        return _actions.UpdateAsync(Key(instanceUuid, context), a => a with { Events = [.. a.Events, entry], Message = error ?? a.Message }, cancellation);
    }

    /// <summary>Says what an action waits for; null: for nothing any more.</summary>
    public Task NoteAsync(string instanceUuid, RequestContext context, string? note, CancellationToken cancellation) =>
        _actions.UpdateAsync(Key(instanceUuid, context), a => a.Message == note ? null : a with { Message = note }, cancellation);

    private static string Key(string instanceUuid, RequestContext context) => $"{instanceUuid}/{context.RequestId}";
}
