using System.Globalization;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Hosts;

namespace NovaShim.Api.Usage;

/// <summary>
/// How far the hosts are with telling of a month's usage, for administrators. No host here ever tells of itself, as with Nova's <c>instance_usage_audit</c> off, its default: usage is asked for, not told.
/// So the answer names every host as one that has not.
/// </summary>
internal sealed class AuditLogEndpoints(ServiceGroup services) : IComputeCapability
{
    private static readonly string[] Forms = ["yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss.FFFFFF"];

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-instance_usage_audit_log", async (request, cancellation) =>
            Answer.Of(new AuditLogsEnvelope(await ReadAsync(request.Timestamp, cancellation)), ApiJson.Default.AuditLogsEnvelope)).AdminOnly();
        routes.OnGet("/os-instance_usage_audit_log/{before}", async (request, cancellation) =>
        {
            var text = request.Route("before");
            return DateTime.TryParseExact(text, Forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var before)
                ? Answer.Of(new AuditLogEnvelope(await ReadAsync(before, cancellation)), ApiJson.Default.AuditLogEnvelope)
                : throw Fault.BadRequest($"Invalid timestamp for date {text}");
        }).AdminOnly();
    }

    private async Task<AuditLog> ReadAsync(DateTime before, CancellationToken cancellation)
    {
        // The last month that was over by then.
        var end = new DateTime(before.Year, before.Month, 1, 0, 0, 0, DateTimeKind.Utc);
        var begin = end.Year == 1 && end.Month == 1 ? end : end.AddMonths(-1);
        var hosts = (await services.ComputeServicesAsync(cancellation)).Select(s => s.Host).Order(StringComparer.Ordinal).ToList();
        return new AuditLog
        {
            PeriodBeginning = Text(begin), PeriodEnding = Text(end), NumHosts = hosts.Count, NumHostsDone = 0, NumHostsRunning = 0, NumHostsNotRun = hosts.Count, HostsNotRun = hosts,
            TotalInstances = 0, TotalErrors = 0, OverallStatus = $"{(hosts.Count == 0 ? "ALL" : $"0 of {hosts.Count}")} hosts done. 0 errors.", Log = new Dictionary<string, string>(),
        };
    }

    private static string Text(DateTime moment) => moment.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
