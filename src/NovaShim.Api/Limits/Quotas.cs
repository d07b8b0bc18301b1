using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Quotas;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Api.Limits;

/// <summary>Holds users to their quotas, with the fault of the surface. How they are held is in <see cref="QuotaLedger"/>.</summary>
internal sealed class Quotas(QuotaLedger ledger, QuotaSettings settings)
{
    /// <summary>What the user who asks may have in its tenant.</summary>
    public Task<QuotaOptions> LimitsOfAsync(ApiRequest request, CancellationToken cancellation) => LimitsOfAsync(request.ProjectId, request.Context.UserId, cancellation);

    /// <summary>What a tenant may have, or a user in it.</summary>
    public async Task<QuotaOptions> LimitsOfAsync(string projectId, string? userId, CancellationToken cancellation) => QuotaOptions.Of(await settings.OfAsync(projectId, userId, cancellation));

    /// <summary>What the servers of a tenant have.</summary>
    public async Task<QuotaUsage> UsedByAsync(string projectId, CancellationToken cancellation) => (await ledger.UsedByAsync(projectId, null, cancellation)).InUse;

    /// <summary>
    /// So many new servers of a flavor as the user may have, between two bounds; a fault when it may not have the least. To be disposed of when the servers are there.
    /// </summary>
    public Task<QuotaReservation> ReserveServersAsync(ApiRequest request, int least, int most, Flavor flavor, CancellationToken cancellation) => TryAsync(
        request, async () => await ledger.ReserveServersAsync(
            request.ProjectId, request.Context.UserId, least, most, flavor, await settings.BoundsAsync(request.ProjectId, request.Context.UserId, cancellation), cancellation));

    /// <summary>Another flavor for a server; a fault when its user may not have so much. To be disposed of when the resize has been accepted.</summary>
    public Task<QuotaReservation> ReserveResizeAsync(ApiRequest request, InstanceDocument server, Flavor flavor, CancellationToken cancellation) => TryAsync(
        request, async () => await ledger.ReserveChangeAsync(server, flavor, await settings.BoundsAsync(server.ProjectId, server.UserId, cancellation), cancellation));

    private static async Task<QuotaReservation> TryAsync(ApiRequest request, Func<Task<QuotaReservation>> reserve)
    {
        try
        {
            return await reserve();
        }
        catch (QuotaExceededException exceeded)
        {
            throw Fault.OverQuota(request.Surface, exceeded.Message);
        }
    }
}
