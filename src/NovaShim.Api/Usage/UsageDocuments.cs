using System.Text.Json.Serialization;

namespace NovaShim.Api.Usage;

/// <summary>What a server was used in a period.</summary>
/// <param name="InstanceId">The server.</param>
/// <param name="Name">Its name.</param>
/// <param name="TenantId">Whose it is.</param>
/// <param name="Flavor">Its flavor's name.</param>
/// <param name="MemoryMb">Memory in MiB.</param>
/// <param name="LocalGb">Disks in GiB.</param>
/// <param name="Vcpus">Virtual CPUs.</param>
/// <param name="Hours">How long it was there within the period.</param>
/// <param name="Uptime">How long it has been there altogether, in seconds.</param>
/// <param name="State">Nova's vm_state, or <c>terminated</c>.</param>
/// <param name="StartedAt">When it was first running.</param>
/// <param name="EndedAt">When it was gone, or null.</param>
internal sealed record ServerUsage(
    string InstanceId, string Name, string TenantId, string Flavor, int MemoryMb, int LocalGb, int Vcpus, double Hours, long Uptime, string State, string StartedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? EndedAt);

/// <summary>What a tenant's servers were used in a period; nothing at all where there were none.</summary>
internal sealed record TenantUsage
{
    /// <summary>The tenant.</summary>
    public string? TenantId { get; init; }

    /// <summary>The period's beginning.</summary>
    public string? Start { get; init; }

    /// <summary>The period's end: now, when a later one was asked for.</summary>
    public string? Stop { get; init; }

    /// <summary>Server hours.</summary>
    public double? TotalHours { get; init; }

    /// <summary>CPU hours.</summary>
    public double? TotalVcpusUsage { get; init; }

    /// <summary>MiB hours.</summary>
    public double? TotalMemoryMbUsage { get; init; }

    /// <summary>GiB hours.</summary>
    public double? TotalLocalGbUsage { get; init; }

    /// <summary>By server, where that was asked for.</summary>
    public IReadOnlyList<ServerUsage>? ServerUsages { get; init; }
}

/// <summary>One tenant's.</summary>
internal sealed record TenantUsageEnvelope(TenantUsage TenantUsage);

/// <summary>Every tenant's.</summary>
internal sealed record TenantUsagesEnvelope(IReadOnlyList<TenantUsage> TenantUsages);

/// <summary>How far the hosts are with telling of a period's usage.</summary>
internal sealed record AuditLog
{
    /// <summary>The period's beginning.</summary>
    public required string PeriodBeginning { get; init; }

    /// <summary>The period's end.</summary>
    public required string PeriodEnding { get; init; }

    /// <summary>How many compute hosts there are.</summary>
    public required int NumHosts { get; init; }

    /// <summary>How many have told.</summary>
    public required int NumHostsDone { get; init; }

    /// <summary>How many are at it.</summary>
    public required int NumHostsRunning { get; init; }

    /// <summary>How many have not begun.</summary>
    public required int NumHostsNotRun { get; init; }

    /// <summary>Which.</summary>
    public required IReadOnlyList<string> HostsNotRun { get; init; }

    /// <summary>Servers told of.</summary>
    public required int TotalInstances { get; init; }

    /// <summary>Errors.</summary>
    public required int TotalErrors { get; init; }

    /// <summary>For people.</summary>
    public required string OverallStatus { get; init; }

    /// <summary>By host.</summary>
    public required IReadOnlyDictionary<string, string> Log { get; init; }
}

/// <summary>The last period's.</summary>
internal sealed record AuditLogsEnvelope(AuditLog InstanceUsageAuditLogs);

/// <summary>That of the last period before a moment.</summary>
internal sealed record AuditLogEnvelope(AuditLog InstanceUsageAuditLog);
