using System.Collections.Concurrent;
using NovaShim.XenServerSimulator.Guests;
using NovaShim.XenServerSimulator.Storage;

namespace NovaShim.XenServerSimulator.XenApi.Machines;

/// <summary>A VM that runs (or is paused): its attached disks by VBD, and the guest on the one it booted from.</summary>
internal sealed class Domain : IAsyncDisposable
{
    private readonly CancellationTokenSource _destroyed = new();

    public Domain(int domid) => (Domid, Destroyed) = (domid, _destroyed.Token);

    public int Domid { get; }

    public ConcurrentDictionary<string, Disk> Disks { get; } = new(StringComparer.Ordinal);

    /// <summary>The guest; null when there is no disk to boot from.</summary>
    public Guest? Guest { get; set; }

    /// <summary>Fires when the power is cut, so that nobody waits for the guest any longer.</summary>
    public CancellationToken Destroyed { get; }

    /// <summary>Cuts the power.</summary>
    public async Task PullAsync()
    {
        await _destroyed.CancelAsync();
        if (Guest is not null)
        {
            await Guest.PullAsync();
        }
    }

    /// <summary>Lets go of the guest and closes the disks' files.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Guest is not null)
        {
            await Guest.DisposeAsync();
        }

        foreach (string vbd in Disks.Keys)
        {
            if (Disks.TryRemove(vbd, out Disk? disk))
            {
                await disk.DisposeAsync();
            }
        }

        _destroyed.Dispose();
    }
}
