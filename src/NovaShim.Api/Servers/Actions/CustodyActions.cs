using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers.Actions;

/// <summary>Who may touch a server, and which state it is said to be in: lock and unlock, reset of the state, deletion at once, its taking back.</summary>
internal sealed class CustodyActions(ComputeApi compute, OperatorApi @operator, ServerLookup lookup) : IServerActions
{
    public IEnumerable<(string Name, ServerActionHandler Handler)> Actions =>
    [
        ("lock", (request, _, cancellation) => LockAsync(request, locked: true, cancellation)),
        ("unlock", (request, _, cancellation) => LockAsync(request, locked: false, cancellation)),
        ("os-resetState", ResetStateAsync),
        ("forceDelete", ForceDeleteAsync),
        ("restore", RestoreAsync),
    ];

    private async Task<Answer> LockAsync(ApiRequest request, bool locked, CancellationToken cancellation)
    {
        // In 2011 locks were an administrator's; today an owner has one as well, though not the key to an administrator's.
        if (request.IsLegacy)
        {
            AdministratorsOnly.Check(request, "servers to be locked or unlocked");
        }

        var instance = await lookup.RequireAsync(request, cancellation);
        if (!locked && instance.LockedBy == "admin")
        {
            AdministratorsOnly.Check(request, "a server that an administrator has locked to be unlocked");
        }

        await compute.LockAsync(instance, locked, request.Context, cancellation);
        return Answer.Accepted;
    }

    private async Task<Answer> ResetStateAsync(ApiRequest request, BodyField reset, CancellationToken cancellation)
    {
        AdministratorsOnly.Check(request, "a server's state to be reset");
        var state = reset.Require("state");
        await @operator.ResetStateAsync(
            await lookup.RequireUnlockedAsync(request, cancellation),
            state.Text() is var vmState and (VmStates.Active or VmStates.Error) ? vmState : throw state.Invalid("active or error is expected"),
            cancellation);
        return Answer.Accepted;
    }

    private async Task<Answer> ForceDeleteAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        await compute.DeleteAsync(await lookup.RequireUnlockedAsync(request, cancellation), request.Context, cancellation);
        return Answer.Accepted;
    }

    // A deleted server is gone at once here (Nova's reclaim_instance_interval of 0): none is ever in the state that there is a way back from.
    private async Task<Answer> RestoreAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        var instance = await lookup.RequireUnlockedAsync(request, cancellation);
        throw new InstanceInvalidStateException("restore", instance.Uuid, "vm_state", ServerStatus.VmStateOn(request.Surface, instance.VmState));
    }
}
