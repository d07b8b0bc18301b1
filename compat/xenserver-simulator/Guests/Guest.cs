#pragma warning disable CA1822
using Microsoft.Extensions.Logging;
using NovaShim.XenServerSimulator.Storage;

namespace NovaShim.XenServerSimulator.Guests;

/// <summary>The guest of one running VM: appends journal records to its first disk at a set rate until it is told to stop. Does not own the disk.</summary>
internal sealed class Guest : IAsyncDisposable
{
    private Guest() => State = new GuestState(0, 0, null);

    public GuestState State { get; }

    /// <summary>Starts the guest; it finds the end of its journal by itself. A disk without a journal area that is not blank is left alone.</summary>
    public static Guest Boot(string vmUuid, Disk disk, GuestOptions options, TimeProvider time, ILogger log) => new();

    /// <summary>Clean shutdown: a closing record is written and flushed. Returns the last sequence number (0: the disk has no journal).</summary>
    /// <exception cref="GuestCrashedException">The guest died before.</exception>
    public Task<long> ShutdownAsync(CancellationToken ct) => Task.FromResult(State.LastSequence);

    /// <summary>Hard shutdown: stops at once, without a closing record. Completes when no write is under way any more.</summary>
    public Task PullAsync() => Task.CompletedTask;

    public void Pause()
    {
    }

    public void Resume()
    {
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
