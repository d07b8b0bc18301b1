using System.Collections.Frozen;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers;

/// <summary>
/// In which order a list of servers was asked for: <c>sort_key</c> and <c>sort_dir</c>, each as often as there are keys. Servers that the keys do not tell apart come newest first.
/// </summary>
internal sealed class ServerSort : IComparer<InstanceDocument>
{
    /// <summary>The columns there are. Those of Nova that hold nothing here sort nothing.</summary>
    private static readonly FrozenDictionary<string, Func<InstanceDocument, IComparable?>> Columns = new Dictionary<string, Func<InstanceDocument, IComparable?>>
    {
        ["access_ip_v4"] = i => i.AccessIpV4,
        ["access_ip_v6"] = i => i.AccessIpV6,
        ["auto_disk_config"] = i => i.DiskConfig == "AUTO",
        ["availability_zone"] = i => i.AvailabilityZone,
        ["config_drive"] = i => i.ConfigDrive,
        ["created_at"] = i => i.CreatedAt,
        ["display_description"] = _ => null,
        ["display_name"] = i => i.DisplayName,
        ["host"] = i => i.Host,
        ["hostname"] = i => i.DisplayName,
        ["id"] = i => i.Id,
        ["image_ref"] = i => i.ImageRef,
        ["instance_type_id"] = i => i.Flavor.Id,
        ["kernel_id"] = _ => null,
        ["key_name"] = i => i.KeyName,
        ["launch_index"] = i => i.LaunchIndex,
        ["launched_at"] = i => i.LaunchedAt,
        ["locked_by"] = _ => null,
        ["node"] = i => i.Node,
        ["power_state"] = i => (int)i.PowerState,
        ["progress"] = i => i.Progress,
        ["project_id"] = i => i.ProjectId,
        ["ramdisk_id"] = _ => null,
        ["root_device_name"] = _ => null,
        ["task_state"] = i => i.TaskState,
        ["terminated_at"] = i => i.TerminatedAt,
        ["updated_at"] = i => i.UpdatedAt,
        ["user_id"] = i => i.UserId,
        ["uuid"] = i => i.Uuid,
        ["vm_state"] = i => i.VmState,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private readonly IReadOnlyList<(Func<InstanceDocument, IComparable?> Column, bool Down)> _keys;

    private ServerSort(IReadOnlyList<(Func<InstanceDocument, IComparable?> Column, bool Down)> keys) => _keys = keys;

    /// <summary>Reads the query; null when it asks for no order of its own.</summary>
    public static ServerSort? Of(ApiRequest request)
    {
        var names = request.Query["sort_key"].OfType<string>().ToList();
        if (names.Count == 0)
        {
            return null;
        }

        var directions = request.Query["sort_dir"].OfType<string>().ToList();
        if (directions.FirstOrDefault(d => d is not ("asc" or "desc")) is { } wrong)
        {
            throw Fault.BadRequest($"Invalid input for query parameters sort_dir. Value: {wrong}. asc or desc is expected.");
        }

        if (!request.IsAdmin && names.Any(n => n is "host" or "node"))
        {
            throw Fault.Forbidden("Only administrators can sort servers by host or node");
        }

        return new ServerSort([.. names.Select((name, index) => (
            Columns.TryGetValue(name, out var column) ? column : throw Fault.BadRequest($"Invalid input for query parameters sort_key. Value: {name}. It is no column that servers are sorted by."),
            (index < directions.Count ? directions[index] : directions.Count > 0 ? directions[0] : "desc") == "desc"))]);
    }

    /// <inheritdoc/>
    public int Compare(InstanceDocument? x, InstanceDocument? y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        foreach (var (column, down) in _keys)
        {
            if (Compare(column(x), column(y)) is var order && order != 0)
            {
                return down ? -order : order;
            }
        }

        return y.Id.CompareTo(x.Id);
    }

    /// <summary>Nothing comes before everything, as in Nova's database.</summary>
    private static int Compare(IComparable? a, IComparable? b) => (a, b) switch
    {
        (null, null) => 0,
        (null, _) => -1,
        (_, null) => 1,
        (string left, string right) => string.CompareOrdinal(left, right),
        _ => a.CompareTo(b),
    };
}
