using System.Globalization;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Api.Servers;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Usage;

/// <summary>
/// What tenants' servers were used in a period, those that are gone among them: a server counts from when it first ran until it was gone, whatever its state in between.
/// </summary>
internal sealed class TenantUsageEndpoints(IDocumentStore store) : IComputeCapability
{
    private static readonly string[] Forms = ["yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss.FFFFFF", "yyyy-MM-dd HH:mm:ss.FFFFFF"];

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-simple-tenant-usage", async (request, cancellation) =>
        {
            // With a slash behind it, it is the usage of a tenant without a name.
            if (request.Path.EndsWith('/'))
            {
                throw Fault.NotFound(FaultNames.DefaultMessage(404));
            }

            var usages = await ReadAsync(request, null, request.QueryValue("detailed") == "1", cancellation);
            return Answer.Of(new TenantUsagesEnvelope(usages), ApiJson.Default.TenantUsagesEnvelope);
        }).AdminOnly();
        routes.OnGet("/os-simple-tenant-usage/{tenant}", async (request, cancellation) =>
        {
            var tenant = request.Route("tenant");
            if (tenant != request.ProjectId && !request.IsAdmin)
            {
                throw Fault.Forbidden("Another tenant's usage is its own affair.");
            }

            var usage = await ReadAsync(request, tenant, detailed: true, cancellation) is [var only] ? only : new TenantUsage();
            return Answer.Of(new TenantUsageEnvelope(usage), ApiJson.Default.TenantUsageEnvelope);
        });
    }

    private async Task<IReadOnlyList<TenantUsage>> ReadAsync(ApiRequest request, string? tenant, bool detailed, CancellationToken cancellation)
    {
        var now = request.Timestamp;
        var (start, stop) = (MomentOf(request, "start") ?? now, MomentOf(request, "end") ?? now.AddTicks(1));
        if (start >= stop)
        {
            throw Fault.BadRequest("Invalid start time. The start time cannot occur after the end time.");
        }

        stop = stop > now ? now : stop;
        var instances = store.Collection<InstanceDocument>();
        var there = instances.Query().Where(i => i.LaunchedAt != null && i.LaunchedAt < stop && (i.TerminatedAt == null || i.TerminatedAt > start));
        var found = await instances.ListAsync(tenant is null ? there : there.Where(i => i.ProjectId == tenant), cancellation);
        return
        [
            .. found.OrderBy(i => i.Id).Select(i => UsageOf(request, i, start, stop)).GroupBy(u => u.TenantId, StringComparer.Ordinal).OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => new TenantUsage
            {
                TenantId = t.Key, Start = Texts.DatabaseMoment(start), Stop = Texts.DatabaseMoment(stop), TotalHours = t.Sum(u => u.Hours), TotalVcpusUsage = t.Sum(u => u.Hours * u.Vcpus),
                TotalMemoryMbUsage = t.Sum(u => u.Hours * u.MemoryMb), TotalLocalGbUsage = t.Sum(u => u.Hours * u.LocalGb), ServerUsages = detailed ? [.. t] : null,
            }),
        ];
    }

    private static ServerUsage UsageOf(ApiRequest request, InstanceDocument i, DateTime start, DateTime stop)
    {
        var launched = i.LaunchedAt!.Value;
        var (from, to) = (launched > start ? launched : start, i.TerminatedAt is { } gone && gone < stop ? gone : stop);
        return new ServerUsage(
            i.Uuid, i.DisplayName, i.ProjectId, i.Flavor.Name, i.Flavor.MemoryMb, i.Flavor.RootGb + i.Flavor.EphemeralGb, i.Flavor.Vcpus, Math.Max(0, (to - from).TotalHours),
            (long)((i.TerminatedAt ?? request.Timestamp) - launched).TotalSeconds, i.TerminatedAt is null ? ServerStatus.VmStateOn(request.Surface, i.VmState) : "terminated", Texts.DatabaseMoment(launched),
            i.TerminatedAt is { } ended ? Texts.DatabaseMoment(ended) : null);
    }

    private static DateTime? MomentOf(ApiRequest request, string name) =>
        request.QueryValue(name) is not { } text ? null
        : DateTime.TryParseExact(text, Forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var moment) ? moment
        : throw Fault.BadRequest($"Invalid {name}: Datetime is in invalid format");
}
