using System.Globalization;
using System.Text.RegularExpressions;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers;

/// <summary>Which servers a list was asked for. What the store can select it selects; the rest is decided here, server by server.</summary>
internal sealed class ServerFilter
{
    private readonly bool _isAdmin;
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
        ChangesSince = request.QueryValue("changes-since") is { } since ? Moment(since) : null;
        _name = Pattern(request, "name");
        _address = Pattern(request, "ip");
        _statuses = [.. request.Query["status"].OfType<string>().Where(s => s.Length > 0).Select(s => s.ToUpperInvariant())];
        _image = request.QueryValue("image") is { } image ? Texts.IdOfReference(image) : null;
        _flavor = request.QueryValue("flavor") is { } flavor ? Texts.IdOfReference(flavor) : null;
        _reservation = request.QueryValue("reservation_id");
        _userId = _isAdmin ? request.QueryValue("user_id") : null;
        _vmState = _isAdmin ? request.QueryValue("vm_state") : null;
        _taskState = _isAdmin ? request.QueryValue("task_state") : null;

        // What only administrators may ask for is not refused to others but passed over, as Nova does.
        Host = _isAdmin ? request.QueryValue("host") ?? request.QueryValue("hypervisor_hostname") : null;
        Deleted = _isAdmin && request.QueryValue("deleted") is { } deleted && Texts.TryBoolean(deleted, out var gone) && gone;
    }

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

    private static DateTime Moment(string text) =>
        DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var moment)
            ? moment
            : throw Fault.BadRequest("Invalid changes-since value: a moment in ISO 8601 is expected.");
}
