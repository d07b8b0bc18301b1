using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Migrations;

/// <summary>The context of a handler's run: its checkpoint lies in the saga, its figures go there and to the server's progress a few times a second.</summary>
internal sealed class MigrationContext : MigrationStepContext, IAsyncDisposable
{
    private static readonly TimeSpan FlushInterval = TimeSpan.FromMilliseconds(400);

    private readonly LeasedWork<MigrationDocument> _work;
    private readonly IDocumentCollection<InstanceDocument> _instances;
    private readonly HostQuestions _questions;
    private readonly CancellationTokenSource _done = new();
    private readonly Task _flushing;
    private readonly Lock _gate = new();
    private MigrationProgress _progress;
    private MigrationProgress _flushed;

    [SetsRequiredMembers]
    public MigrationContext(LeasedWork<MigrationDocument> work, Instance instance, IDocumentCollection<InstanceDocument> instances, HostQuestions questions, ComputeOptions options, TimeProvider time)
    {
        var m = work.Document;
        (_work, _instances, _questions, _progress, _flushed) = (work, instances, questions, m.Saga.Progress, m.Saga.Progress);
        Instance = instance;
        RequestId = m.Saga.Context.RequestId;
        Migration = new Migration
        {
            Uuid = m.Uuid, InstanceUuid = m.InstanceUuid, SourceCompute = m.SourceCompute, DestCompute = m.DestCompute ?? "", OldFlavor = m.Saga.OldFlavor, NewFlavor = m.Saga.NewFlavor,
            PowerOn = m.Saga.OldVmState != VmStates.Stopped,
        };
        SourceOffer = m.Saga.SourceOffer;
        DestinationOffer = m.Saga.DestinationOffer;
        DiskInfo = m.Saga.DiskInfo;
        BandwidthLimit = options.BandwidthOfOne;
        _flushing = FlushPeriodicallyAsync(time);
    }

    public override MigrationProgress Progress
    {
        get
        {
            lock (_gate)
            {
                return _progress;
            }
        }
    }

    public override Task<PowerState?> AskSourceAsync(CancellationToken cancellation) =>
        _questions.PowerStateAsync(Migration.SourceCompute, Migration.InstanceUuid, _work.Document.Saga.Context, cancellation);

    public override void Report(Func<MigrationProgress, MigrationProgress> change)
    {
        lock (_gate)
        {
            _progress = change(_progress);
        }
    }

    public override T? Checkpoint<T>(JsonTypeInfo<T> type) where T : class =>
        _work.Item.Checkpoint is { } json ? JsonSerializer.Deserialize(json, type) : null;

    public override Task SaveCheckpointAsync<T>(T checkpoint, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        var json = JsonSerializer.Serialize(checkpoint, type);
        return _work.UpdateAsync(m => m with { Saga = m.Saga with { Checkpoint = json } }, cancellation);
    }

    /// <summary>Ends the periodic writing; the figures reported last are in <see cref="Progress"/>, for the step's own transition to store.</summary>
    public async ValueTask DisposeAsync()
    {
        await _done.CancelAsync();
        await _flushing;
        _done.Dispose();
    }

    private async Task FlushPeriodicallyAsync(TimeProvider time)
    {
        try
        {
            while (true)
            {
                await Task.Delay(FlushInterval, time, _done.Token);
                var now = Progress;
                if (now == _flushed)
                {
                    continue;
                }

                try
                {
                    await _work.UpdateAsync(m => m with { Saga = m.Saga with { Progress = now } }, _done.Token);
                    if (now.Percent != _flushed.Percent)
                    {
                        await _instances.UpdateAsync(Migration.InstanceUuid, i => i.MigrationUuid == Migration.Uuid ? i with { Progress = now.Percent } : null, _done.Token);
                    }

                    _flushed = now;
                }
                catch (DocumentStoreException)
                {
                    // Figures may be late; they are stored with the step's transition at the latest.
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or LeaseLostException)
        {
            // Done, or another's.
        }
    }
}
