using System.Collections.Frozen;
using System.Text.RegularExpressions;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers;

/// <summary>Which servers a list was asked for. What the store can select it selects; the rest is decided here, server by server.</summary>
internal sealed class ServerFilter
{
    /// <summary>Every status that Nova knows.</summary>
    private static readonly FrozenSet<string> Statuses = FrozenSet.ToFrozenSet(
    [
        "ACTIVE", "BUILD", "DELETED", "ERROR", "HARD_REBOOT", "MIGRATING", "PASSWORD", "PAUSED", "REBOOT", "REBUILD", "RESCUE", "RESIZE", "REVERT_RESIZE", "SHELVED", "SHELVED_OFFLOADED", "SHUTOFF",
        "SOFT_DELETED", "SUSPENDED", "UNKNOWN", "VERIFY_RESIZE",
    ], StringComparer.Ordinal);

    /// <summary>What administrators may filter by, column by column, beside what has a meaning of its own.</summary>
    private static readonly FrozenDictionary<string, Func<InstanceDocument, string?>> Columns = new Dictionary<string, Func<InstanceDocument, string?>>
    {
        ["uuid"] = i => i.Uuid,
        ["key_name"] = i => i.KeyName,
        ["availability_zone"] = i => i.AvailabilityZone,
        ["access_ip_v4"] = i => i.AccessIpV4,
        ["access_ip_v6"] = i => i.AccessIpV6,
        ["node"] = i => i.Node,

        // As Nova keeps it: a client that asks for servers without one ("False") finds none there, either.
        ["config_drive"] = i => i.ConfigDrive ? "True" : "",
        ["power_state"] = i => ((int)i.PowerState).ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["progress"] = i => i.Progress.ToString(System.Globalization.CultureInfo.InvariantCulture),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Tables of Nova's that servers are joined with: no fields to filter by.</summary>
    private static readonly string[] Joined = ["block_device_mapping", "extra", "info_cache", "metadata", "pci_devices", "security_groups", "services", "system_metadata"];

    private readonly bool _isAdmin;
    private readonly IReadOnlyList<(Func<InstanceDocument, string?> Column, string Value)> _columns;
    private readonly Regex? _name;
    private readonly IReadOnlyList<string> _statuses;
    private readonly string? _image;
    private readonly string? _flavor;
    private readonly string? _reservation;
    private readonly Regex? _address;
    private readonly string? _userId;
    private readonly string? _vmState;
    private readonly string? _taskState;
    private readonly Surface _surface;

    private ServerFilter(ApiRequest request)
    {
        _surface = request.Surface;
        _isAdmin = request.IsAdmin;
        AllTenants = request.Query.ContainsKey("all_tenants") && (request.QueryValue("all_tenants") is not { } all || (Texts.TryBoolean(all, out var wanted)
            ? wanted
            : throw Fault.BadRequest($"Invalid all_tenants filter [{all}]")));
        if (AllTenants && !_isAdmin)
        {
            throw Fault.Forbidden("Policy doesn't allow the servers of all tenants to be listed by anybody but an administrator.");
        }

        Tenant = !AllTenants ? request.ProjectId : request.QueryValue("tenant_id") ?? request.QueryValue("project_id");
        ChangesSince = request.QueryValue("changes-since") is { } since ? Texts.ParsedMoment("changes-since", since) : null;
        _name = Pattern(request, "name");
        _address = Pattern(request, "ip");
        _statuses = [.. request.Query["status"].OfType<string>().Where(s => s.Length > 0).Select(s => s.ToUpperInvariant())];
        _image = request.QueryValue("image") is { } image ? Texts.IdOfReference(image) : null;
        _flavor = request.QueryValue("flavor") is { } flavor ? Texts.IdOfReference(flavor) : null;
        _reservation = request.QueryValue("reservation_id");
        _userId = _isAdmin ? request.QueryValue("user_id") : null;
        _vmState = _isAdmin ? request.QueryValue("vm_state") : null;
        _taskState = _isAdmin ? request.QueryValue("task_state") : null;

        if (_statuses.Count > 0 && !_statuses.Any(Statuses.Contains))
        {
            // Today's Nova finds nothing; that of 2011 told its users.
            AskedForNothing = !request.IsLegacy ? true : throw Fault.BadRequest($"Invalid server status: {string.Join(", ", _statuses)}");
        }

        if (_statuses is ["DELETED"] && !_isAdmin)
        {
            throw Fault.Forbidden("Only administrators may list deleted instances");
        }

        if (_isAdmin && request.Query.Keys.FirstOrDefault(k => k.StartsWith('_') || Joined.Contains(k)) is { } wrong)
        {
            throw Fault.BadRequest($"Invalid filter field: {wrong}.");
        }

        // What only administrators may ask for is not refused to others but passed over, as Nova does.
        _columns = _isAdmin ? [.. Columns.Where(c => request.QueryValue(c.Key) is not null).Select(c => (c.Value, request.QueryValue(c.Key)!))] : [];
        Host = _isAdmin ? request.QueryValue("host") ?? request.QueryValue("hypervisor_hostname") : null;
        Deleted = _isAdmin && (_statuses is ["DELETED"] || (request.QueryValue("deleted") is { } deleted && Texts.TryBoolean(deleted, out var gone) && gone));
    }

    /// <summary>Whether the status asked for is one that no server ever has.</summary>
    public bool AskedForNothing { get; }

    /// <summary>Whether servers of every tenant are wanted.</summary>
    public bool AllTenants { get; }

    /// <summary>The tenant whose servers are wanted; null: every one's.</summary>
    public string? Tenant { get; }

    /// <summary>Only servers on this host.</summary>
    public string? Host { get; }

    /// <summary>Only deleted servers.</summary>
    public bool Deleted { get; }

    /// <summary>Only servers that changed at or after this moment (UTC), deleted ones among them.</summary>
    public DateTime? ChangesSince { get; }

    /// <summary>Reads the query.</summary>
    public static ServerFilter Of(ApiRequest request) => new(request);

    /// <summary>What the store selects.</summary>
    public IQueryable<InstanceDocument> Select(IQueryable<InstanceDocument> servers)
    {
        var (tenant, host, deleted) = (Tenant, Host, Deleted);
        servers = tenant is null ? servers : servers.Where(i => i.ProjectId == tenant);
        servers = host is null ? servers : servers.Where(i => i.Host == host);
        return ChangesSince is not null && !deleted ? servers : servers.Where(i => i.Deleted == deleted);
    }

    /// <summary>What is decided here.</summary>
    public bool Matches(InstanceDocument i) =>
        (ChangesSince is not { } since || (i.UpdatedAt ?? i.CreatedAt) >= since)
        && (_name is null || _name.IsMatch(i.DisplayName))
        && (_statuses.Count == 0 || _statuses.Contains(ServerStatus.Of(i)))
        && (_image is null || i.ImageRef == _image)
        && (_flavor is null || i.Flavor.FlavorId == _flavor)
        && (_reservation is null || i.ReservationId == _reservation)
        && (_address is null || i.Addresses.Any(a => _address.IsMatch(a)))
        && _columns.All(c => c.Column(i) == c.Value)
        && (_userId is null || i.UserId == _userId)
        && (_vmState is null || ServerStatus.VmStateOn(_surface, i.VmState) == _vmState)
        && (_taskState is null || ServerStatus.TaskStateOn(_surface, i.VmState, i.TaskState) == _taskState);

    private static Regex? Pattern(ApiRequest request, string name)
    {
        if (request.QueryValue(name) is not { } pattern)
        {
            return null;
        }

        try
        {
            // Without backtracking, a pattern takes no longer than the text is long, whoever wrote it.
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception refused) when (refused is ArgumentException or NotSupportedException)
        {
            throw Fault.BadRequest($"Invalid {name} filter: it is not a regular expression that can be searched for.");
        }
    }
}
