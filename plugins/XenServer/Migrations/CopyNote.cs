using NovaShim.Sdk;

namespace NovaShim.XenServer.Migrations;

/// <summary>The durable note of a copy, and the proof that the copy is still this process's: whoever has lost the step's lease cannot save it.</summary>
internal sealed class CopyNote(MigrationStepContext step, CopyCheckpoint saved)
{
    /// <summary>What to go on from.</summary>
    public CopyCheckpoint Saved { get; private set; } = saved;

    /// <summary>Changes the note and saves it.</summary>
    /// <exception cref="LeaseLostException">Another process has taken the step over.</exception>
    public async Task SaveAsync(Func<CopyCheckpoint, CopyCheckpoint> change, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        Saved = change(Saved);
        await step.SaveCheckpointAsync(Saved, MigrationJson.Default.CopyCheckpoint, cancellation);
    }

    /// <summary>To be asked before whatever would harm the copy of another process.</summary>
    /// <exception cref="LeaseLostException">Another process has taken the step over.</exception>
    public Task AssertOursAsync(CancellationToken cancellation) => SaveAsync(c => c, cancellation);
}
