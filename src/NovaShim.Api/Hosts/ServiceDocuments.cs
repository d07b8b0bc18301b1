using System.Text.Json.Serialization;

namespace NovaShim.Api.Hosts;

/// <summary>A service.</summary>
internal sealed record ServiceView
{
    /// <summary>Nova's integer id.</summary>
    public required int Id { get; init; }

    /// <summary><c>nova-compute</c> …</summary>
    public required string Binary { get; init; }

    /// <summary>Where it runs.</summary>
    public required string Host { get; init; }

    /// <summary>Its availability zone.</summary>
    public required string Zone { get; init; }

    /// <summary><c>enabled</c> or <c>disabled</c>.</summary>
    public required string Status { get; init; }

    /// <summary><c>up</c> or <c>down</c>.</summary>
    public required string State { get; init; }

    /// <summary>Its last heartbeat.</summary>
    public required string UpdatedAt { get; init; }

    /// <summary>Why it is disabled, or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? DisabledReason { get; init; }
}

/// <summary>Services.</summary>
internal sealed record ServicesEnvelope(IReadOnlyList<ServiceView> Services);

/// <summary>What was changed of a service.</summary>
internal sealed record ServiceChange(string Host, string Binary, string Status, string? DisabledReason);

/// <summary>What was changed of a service.</summary>
internal sealed record ServiceEnvelope(ServiceChange Service);

/// <summary>Whether a zone can be used.</summary>
internal sealed record ZoneState(bool Available);

/// <summary>A service within a zone.</summary>
internal sealed record ZoneService(bool Active, bool Available, string UpdatedAt);

/// <summary>An availability zone; its hosts for administrators.</summary>
internal sealed record ZoneView(
    [property: JsonPropertyName("zoneName")] string ZoneName, [property: JsonPropertyName("zoneState")] ZoneState ZoneState,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] IReadOnlyDictionary<string, IReadOnlyDictionary<string, ZoneService>>? Hosts);

/// <summary>Availability zones.</summary>
internal sealed record AvailabilityZonesEnvelope([property: JsonPropertyName("availabilityZoneInfo")] IReadOnlyList<ZoneView> AvailabilityZoneInfo);
