using System.Net;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Aggregates;
using NovaShim.Compute.SecurityGroups;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers;

/// <summary>Makes the documents of servers: which key is on which surface, for whom, in which answer.</summary>
internal static class ServerViews
{
    /// <summary>The label of the one network there is.</summary>
    public const string Network = "private";

    private static readonly IReadOnlyList<NamedView> DefaultGroup = [new(SecurityGroupDocument.Default)];

    /// <summary>For the short list.</summary>
    public static ServerView Short(ApiRequest request, InstanceDocument i) => new()
    {
        Id = i.Uuid, Uuid = request.IsLegacy ? i.Uuid : null, Name = i.DisplayName, Links = Links.Of(request, "servers", i.Uuid),
    };

    /// <summary>For detail, show and the v1.1 create.</summary>
    public static ServerView Full(ApiRequest request, InstanceDocument i)
    {
        var surface = request.Surface;
        return Core(request, i) with
        {
            KeyName = ShownText.Of(i.KeyName),
            ConfigDrive = i.ConfigDrive ? "True" : "",
            SecurityGroups = SecurityGroupsOf(i),
            DiskConfig = i.DiskConfig,
            AvailabilityZone = surface == Surface.V21 ? ZoneOf(request, i) : null,
            VmState = ServerStatus.VmStateOn(surface, i.VmState),
            TaskState = ShownText.Of(ServerStatus.TaskStateOn(surface, i.VmState, i.TaskState)),
            PowerState = (int)i.PowerState,
            Host = request.IsAdmin ? ShownText.Of(i.Host) : default,
            HypervisorHostname = request.IsAdmin ? ShownText.Of(i.Node) : default,
            InstanceName = request.IsAdmin ? InstanceRecord.NameOf(i.Id) : null,
            LaunchedAt = surface == Surface.V21 ? Moment(i.LaunchedAt) : default,
            TerminatedAt = surface == Surface.V21 ? Moment(i.TerminatedAt) : default,
            VolumesAttached = surface == Surface.V21 ? [] : null,
        };
    }

    /// <summary>For the answer to an update: on 2.1 a good deal less than what a show gives.</summary>
    public static ServerView Updated(ApiRequest request, InstanceDocument i) => request.IsLegacy
        ? Full(request, i)
        : Core(request, i) with { DiskConfig = i.DiskConfig, Addresses = AddressesOf(i, withType: false) };

    /// <summary>A server's security groups; null, and not shown, when it is in none.</summary>
    public static IReadOnlyList<NamedView>? SecurityGroupsOf(InstanceDocument i) => i.SecurityGroups is null ? DefaultGroup : i.SecurityGroups.Count == 0 ? null : [.. i.SecurityGroups.Select(g => new NamedView(g.Name))];

    /// <summary>A server's addresses.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<AddressView>> AddressesOf(InstanceDocument i, bool withType) => i.Addresses.Count == 0
        ? new Dictionary<string, IReadOnlyList<AddressView>>()
        : new Dictionary<string, IReadOnlyList<AddressView>>
        {
            [Network] = [.. i.Addresses.Select(a => new AddressView(a.Contains(':', StringComparison.Ordinal) ? 6 : 4, a, withType ? "fixed" : null))],
        };

    private static ServerView Core(ApiRequest request, InstanceDocument i)
    {
        var status = ServerStatus.Of(i);
        return Short(request, i) with
        {
            Status = status,
            TenantId = i.ProjectId,
            UserId = i.UserId,
            HostId = HostIdOf(i),
            Created = Texts.Moment(i.CreatedAt),
            Updated = Texts.Moment(i.UpdatedAt ?? i.CreatedAt),
            Progress = request.IsLegacy || ServerStatus.HasProgress(status) ? i.Progress : null,
            Metadata = i.Metadata,
            Addresses = AddressesOf(i, withType: request.Surface == Surface.V21),
            AccessIpV4 = i.AccessIpV4,
            AccessIpV6 = request.IsLegacy ? i.AccessIpV6 : Canonical(i.AccessIpV6),
            Image = new LinkedReference(i.ImageRef, [Links.Bookmark(request, "images", i.ImageRef)]),
            Flavor = new LinkedReference(i.Flavor.FlavorId, [Links.Bookmark(request, "flavors", i.Flavor.FlavorId)]),
            Fault = status is "ERROR" or "DELETED" && i.Fault is { } fault
                ? new FaultView(fault.Code, Texts.Moment(fault.Created), fault.Message, request.IsAdmin && fault.Details.Length > 0 ? fault.Details : null)
                : null,
        };
    }

    private static string HostIdOf(InstanceDocument i) => i.Host is null ? "" : Sha224.HexOf(i.ProjectId + i.Host);

    private static string Canonical(string address) => IPAddress.TryParse(address, out var parsed) ? parsed.ToString() : address;

    private static string ZoneOf(ApiRequest request, InstanceDocument i) => i.Host is { } host ? request.ZoneOfHost.GetValueOrDefault(host, HostZones.Default) : i.WantedZone() ?? "";

    private static ShownText Moment(DateTime? moment) => ShownText.Of(moment is { } m ? Texts.DatabaseMoment(m) : null);
}
