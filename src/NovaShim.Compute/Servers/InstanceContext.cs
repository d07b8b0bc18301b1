using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Servers;

/// <summary>The context of a step of work on a server; its checkpoint lies in the server's work item.</summary>
internal sealed class InstanceContext : InstanceStepContext
{
    private readonly LeasedWork<InstanceDocument> _work;

    [SetsRequiredMembers]
    public InstanceContext(LeasedWork<InstanceDocument> work)
    {
        _work = work;
        Instance = InstanceRecord.Of(work.Document);
        RequestId = work.Item.Context.RequestId;
        AdminPassword = work.Document.Work!.Guest?.AdminPassword;
        InjectedFiles = work.Document.Work.Guest?.ToInjectedFiles() ?? [];
    }

    public override T? Checkpoint<T>(JsonTypeInfo<T> type) where T : class =>
        _work.Item.Checkpoint is { } json ? JsonSerializer.Deserialize(json, type) : null;

    public override Task SaveCheckpointAsync<T>(T checkpoint, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        var json = JsonSerializer.Serialize(checkpoint, type);
        return _work.UpdateAsync(i => i with { Work = i.Work! with { Checkpoint = json } }, cancellation);
    }
}
