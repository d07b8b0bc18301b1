using System.Collections.Frozen;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Limits;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers;

/// <summary>
/// What is done to a server: <c>POST /servers/{id}/action</c> with the verb as the body's one key, and 2011's administrators' route
/// <c>/servers/{id}/migrate</c>.
/// </summary>
internal sealed class ServerActionEndpoints : IComputeCapability
{
    private readonly ComputeApi _compute;
    private readonly OperatorApi _operator;
    private readonly ServerLookup _lookup;
    private readonly ResizeRules _rules;
    private readonly Quotas _quotas;
    private readonly FrozenDictionary<string, Func<ApiRequest, BodyField, CancellationToken, Task<Answer>>> _actions;

    public ServerActionEndpoints(ComputeApi compute, OperatorApi @operator, ServerLookup lookup, ResizeRules rules, Quotas quotas)
    {
        (_compute, _operator, _lookup, _rules, _quotas) = (compute, @operator, lookup, rules, quotas);
        _actions = new Dictionary<string, Func<ApiRequest, BodyField, CancellationToken, Task<Answer>>>
        {
            ["resize"] = ResizeAsync,
            ["confirmResize"] = ConfirmResizeAsync,
            ["revertResize"] = RevertResizeAsync,
            ["migrate"] = (request, _, cancellation) => MigrateAsync(request, cancellation),
            ["reboot"] = RebootAsync,
            ["os-resetState"] = ResetStateAsync,
        }.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnPost("/servers/{id}/action", ActAsync);
        routes.OnPost("/servers/{id}/migrate", MigrateAsync);
    }

    private async Task<Answer> ActAsync(ApiRequest request, CancellationToken cancellation)
    {
        var body = await request.BodyAsync(cancellation);
        if (body.Names() is not [var name])
        {
            throw Fault.BadRequest("The body must have exactly one key: the action.");
        }

        return _actions.TryGetValue(name, out var action)
            ? await action(request, new BodyField(body.Element.GetProperty(name), name), cancellation)
            : throw Fault.BadRequest($"There is no such action: {name}");
    }

    private async Task<Answer> ResizeAsync(ApiRequest request, BodyField resize, CancellationToken cancellation)
    {
        var instance = await _lookup.RequireUnlockedAsync(request, cancellation);
        var flavor = await _rules.ChooseAsync(request, instance, resize, cancellation);
        await _quotas.CheckAsync(request, instance.ProjectId, 0, flavor, instead: instance.Flavor, cancellation);
        await _compute.ResizeAsync(instance, flavor, request.Context, cancellation);
        return Answer.Accepted;
    }

    private async Task<Answer> ConfirmResizeAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        await _compute.ConfirmResizeAsync(await _lookup.RequireUnlockedAsync(request, cancellation), request.Context, cancellation);
        return Answer.NoContent;
    }

    private async Task<Answer> RevertResizeAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        await _compute.RevertResizeAsync(await _lookup.RequireUnlockedAsync(request, cancellation), request.Context, cancellation);
        return Answer.Accepted;
    }

    private async Task<Answer> MigrateAsync(ApiRequest request, CancellationToken cancellation)
    {
        if (!request.IsAdmin)
        {
            throw Fault.Forbidden("Policy doesn't allow servers to be migrated by anybody but an administrator.");
        }

        await _compute.MigrateAsync(await _lookup.RequireUnlockedAsync(request, cancellation), request.Context, cancellation);
        return Answer.Accepted;
    }

    private async Task<Answer> ResetStateAsync(ApiRequest request, BodyField reset, CancellationToken cancellation)
    {
        if (!request.IsAdmin)
        {
            throw Fault.Forbidden("Policy doesn't allow a server's state to be reset by anybody but an administrator.");
        }

        var state = reset.Require("state");
        await _operator.ResetStateAsync(
            await _lookup.RequireUnlockedAsync(request, cancellation),
            state.Text() is var vmState and (VmStates.Active or VmStates.Error) ? vmState : throw state.Invalid("active or error is expected"),
            cancellation);
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
        await _compute.RebootAsync(await _lookup.RequireUnlockedAsync(request, cancellation), hard, request.Context, cancellation);
        return Answer.Accepted;
    }
}
