using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NovaShim.Sdk;

namespace NovaShim.XenServer.Tests.Simulated;

/// <summary>A step of a migration that keeps its note as the control plane does: as JSON, and only for as long as the lease is held.</summary>
internal sealed class TestMigrationStep : MigrationStepContext
{
    private readonly Lock _gate = new();
    private readonly List<MigrationProgress> _reports = [];
    private MigrationProgress _progress = new();
    private string? _checkpoint;

    public override MigrationProgress Progress => _progress;

    /// <summary>Everything that was reported, in order.</summary>
    public IReadOnlyList<MigrationProgress> Reports
    {
        get
        {
            lock (_gate)
            {
                return [.. _reports];
            }
        }
    }

    /// <summary>Called before each note is saved, with the number of notes saved before it; throwing there is dying there.</summary>
    public Func<int, Task> BeforeSave { get; set; } = _ => Task.CompletedTask;

    /// <summary>What the source says of its VM.</summary>
    public PowerState? SourceSays { get; set; }

    /// <summary>How many notes were saved.</summary>
    public int Saved { get; private set; }

    /// <summary>Called on each report.</summary>
    public Action<MigrationProgress> OnReport { get; set; } = _ => { };

    public override Task<PowerState?> AskSourceAsync(CancellationToken cancellation) => Task.FromResult(SourceSays);

    public override T? Checkpoint<T>(JsonTypeInfo<T> type) where T : class => _checkpoint is null ? null : JsonSerializer.Deserialize(_checkpoint, type);

    public override async Task SaveCheckpointAsync<T>(T checkpoint, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        await BeforeSave(Saved);
        _checkpoint = JsonSerializer.Serialize(checkpoint, type);
        Saved++;
    }

    public override void Report(Func<MigrationProgress, MigrationProgress> change)
    {
        lock (_gate)
        {
            _reports.Add(_progress = change(_progress));
        }

        OnReport(_progress);
    }
}

/// <summary>A step of a server's life that is no migration.</summary>
internal sealed class TestInstanceStep : InstanceStepContext
{
    private string? _checkpoint;

    public override T? Checkpoint<T>(JsonTypeInfo<T> type) where T : class => _checkpoint is null ? null : JsonSerializer.Deserialize(_checkpoint, type);

    public override Task SaveCheckpointAsync<T>(T checkpoint, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        _checkpoint = JsonSerializer.Serialize(checkpoint, type);
        return Task.CompletedTask;
    }
}
