using System.Text.Json.Serialization;
using NovaShim.Compute.Servers;

namespace NovaShim.Compute.Notifications;

/// <summary>What a notification says of its server, with Nova's names. Sizes are in MiB (memory) and GiB (disks), times in UTC.</summary>
internal sealed record InstancePayload
{
    public required string InstanceId { get; init; }

    public required string DisplayName { get; init; }

    public required string TenantId { get; init; }

    public required string UserId { get; init; }

    public required string ReservationId { get; init; }

    public required string ImageRef { get; init; }

    public required string InstanceType { get; init; }

    public required int InstanceTypeId { get; init; }

    public required int MemoryMb { get; init; }

    public required int DiskGb { get; init; }

    public required int Vcpus { get; init; }

    public string? Host { get; init; }

    public required string State { get; init; }

    public required string StateDescription { get; init; }

    public required DateTime CreatedAt { get; init; }

    public DateTime? LaunchedAt { get; init; }

    public DateTime? DeletedAt { get; init; }

    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>Why it failed, for people; only in an <c>.error</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Exception { get; init; }

    public static InstancePayload Of(InstanceDocument i) => new()
    {
        InstanceId = i.Uuid,
        DisplayName = i.DisplayName,
        TenantId = i.ProjectId,
        UserId = i.UserId,
        ReservationId = i.ReservationId,
        ImageRef = i.ImageRef,
        InstanceType = i.Flavor.Name,
        InstanceTypeId = i.Flavor.Id,
        MemoryMb = i.Flavor.MemoryMb,
        DiskGb = i.Flavor.RootGb + i.Flavor.EphemeralGb,
        Vcpus = i.Flavor.Vcpus,
        Host = i.Host,
        State = i.VmState,
        StateDescription = i.TaskState ?? "",
        CreatedAt = i.CreatedAt,
        LaunchedAt = i.LaunchedAt,
        DeletedAt = i.DeletedAt,
        Metadata = i.Metadata,
    };
}

/// <summary>How notifications are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(InstancePayload))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(DateTime))]
internal sealed partial class NotificationJson : JsonSerializerContext;
