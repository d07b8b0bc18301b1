using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers.Actions;

/// <summary>Whether and how a server runs: start, stop, reboot, pause, suspend, the shelf; and its network.</summary>
internal sealed class PowerActions(ComputeApi compute, SnapshotApi snapshots, ServerLookup lookup, TimeProvider time) : IServerActions
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public IEnumerable<(string Name, ServerActionHandler Handler)> Actions =>
    [
        ("reboot", RebootAsync),
        ("os-start", Does(ServerAction.Start)),
        ("os-stop", Does(ServerAction.Stop)),
        ("pause", Does(ServerAction.Pause)),
        ("unpause", Does(ServerAction.Unpause)),
        ("suspend", Does(ServerAction.Suspend)),
        ("resume", Does(ServerAction.Resume)),
        ("shelve", ShelveAsync),
        ("shelveOffload", DoesForAdministrators(ServerAction.ShelveOffload, "servers to be taken off their host")),
        ("unshelve", Does(ServerAction.Unshelve)),
        ("resetNetwork", DoesToNetwork(ServerAction.ResetNetwork, "a server's network to be reset")),
        ("injectNetworkInfo", DoesToNetwork(ServerAction.InjectNetworkInfo, "a server to be told its network")),
    ];

    private ServerActionHandler Does(ServerAction action) => async (request, _, cancellation) =>
    {
        await compute.ActAsync(await lookup.RequireUnlockedAsync(request, cancellation), action, request.Context, cancellation);
        return Answer.Accepted;
    };

    private ServerActionHandler DoesForAdministrators(ServerAction action, string what) => (request, body, cancellation) =>
    {
        AdministratorsOnly.Check(request, what);
        return Does(action)(request, body, cancellation);
    };

    // In Nova these two leave a server's state alone, and one that comes while the other is done waits at the host. Here it waits before it is accepted.
    private ServerActionHandler DoesToNetwork(ServerAction action, string what) => async (request, body, cancellation) =>
    {
        AdministratorsOnly.Check(request, what);
        var began = time.GetTimestamp();
        while ((await lookup.RequireUnlockedAsync(request, cancellation)).TaskState == TaskStates.Networking && time.GetElapsedTime(began) < LongestWait)
        {
            await Task.Delay(Pause, time, cancellation);
        }

        return await Does(action)(request, body, cancellation);
    };

    private async Task<Answer> ShelveAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        await snapshots.ShelveAsync(await lookup.RequireUnlockedAsync(request, cancellation), request.Context, cancellation);
        return Answer.Accepted;
    }

    private async Task<Answer> RebootAsync(ApiRequest request, BodyField reboot, CancellationToken cancellation)
    {
        var type = (reboot.IsObject ? reboot.Get("type") : null)
            ?? throw Fault.BadRequest(request.IsLegacy ? "Missing argument 'type' for reboot" : "Invalid input for field/attribute reboot.type: it is required.");
        var hard = type.Text().ToUpperInvariant() switch
        {
            "HARD" => true,
            "SOFT" => false,
            _ => throw type.Invalid("HARD or SOFT is expected"),
        };
        await compute.RebootAsync(await lookup.RequireUnlockedAsync(request, cancellation), hard, request.Context, cancellation);
        return Answer.Accepted;
    }
}
