using NovaShim.Api.Limits;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers.Actions;

/// <summary>Moves: resize, confirm, revert, migrate.</summary>
internal sealed class MigrationActions(ComputeApi compute, ServerLookup lookup, ResizeRules rules, Quotas quotas) : IServerActions
{
    public IEnumerable<(string Name, ServerActionHandler Handler)> Actions =>
    [
        ("resize", ResizeAsync),
        ("confirmResize", ConfirmResizeAsync),
        ("revertResize", RevertResizeAsync),
        ("migrate", MigrateAsync),
    ];

    private async Task<Answer> ResizeAsync(ApiRequest request, BodyField resize, CancellationToken cancellation)
    {
        var instance = await lookup.RequireUnlockedAsync(request, cancellation);
        var flavor = await rules.ChooseAsync(request, instance, resize, cancellation);
        var diskConfig = resize.Get("OS-DCF:diskConfig") is { } config ? ServerAttributes.DiskConfigOf(config) : null;
        await using var promised = await quotas.ReserveResizeAsync(request, instance, flavor, cancellation);
        await compute.ResizeAsync(instance, flavor, diskConfig, request.Context, cancellation);
        return Answer.Accepted;
    }

    private async Task<Answer> ConfirmResizeAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        await compute.ConfirmResizeAsync(await lookup.RequireUnlockedAsync(request, cancellation), request.Context, cancellation);
        return Answer.NoContent;
    }

    private async Task<Answer> RevertResizeAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        await compute.RevertResizeAsync(await lookup.RequireUnlockedAsync(request, cancellation), request.Context, cancellation);
        return Answer.Accepted;
    }

    private async Task<Answer> MigrateAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        AdministratorsOnly.Check(request, "servers to be migrated");
        await compute.MigrateAsync(await lookup.RequireUnlockedAsync(request, cancellation), request.Context, cancellation);
        return Answer.Accepted;
    }
}
