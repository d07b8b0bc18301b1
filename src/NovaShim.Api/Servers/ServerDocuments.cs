using System.Text.Json.Serialization;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Servers;

/// <summary>A resource by id, with links.</summary>
internal sealed record LinkedReference(string Id, IReadOnlyList<Link> Links);

/// <summary>An address of a server.</summary>
internal sealed record AddressView(int Version, string Addr, [property: JsonPropertyName("OS-EXT-IPS:type")] string? Type = null);

/// <summary>Something with nothing but a name.</summary>
internal sealed record NamedView(string Name);

/// <summary>Why a server is in ERROR.</summary>
internal sealed record FaultView(int Code, string Created, string Message, string? Details);

/// <summary>
/// A server, with the keys of all surfaces: what is not set is not in the document, and <see cref="ServerViews"/> says on which surface, for whom and in
/// which answer a key is set.
/// </summary>
internal sealed record ServerView
{
    /// <summary>The UUID.</summary>
    public required string Id { get; init; }

    /// <summary>The UUID again, as v1.1 had it beside an integer id.</summary>
    public string? Uuid { get; init; }

    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>self and bookmark.</summary>
    public required IReadOnlyList<Link> Links { get; init; }

    /// <summary>See <see cref="ServerStatus"/>.</summary>
    public string? Status { get; init; }

    /// <summary>The tenant's id.</summary>
    public string? TenantId { get; init; }

    /// <summary>The user's id.</summary>
    public string? UserId { get; init; }

    /// <summary>Tells a tenant which of its servers share a host, and no more. Empty before there is one.</summary>
    [JsonPropertyName("hostId")]
    public string? HostId { get; init; }

    /// <summary>When it was created.</summary>
    public string? Created { get; init; }

    /// <summary>When it last changed.</summary>
    public string? Updated { get; init; }

    /// <summary>0 to 100.</summary>
    public int? Progress { get; init; }

    /// <summary>The user's metadata.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>Its addresses by network.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<AddressView>>? Addresses { get; init; }

    /// <summary>The user's own IPv4 address of access.</summary>
    [JsonPropertyName("accessIPv4")]
    public string? AccessIpV4 { get; init; }

    /// <summary>The user's own IPv6 address of access.</summary>
    [JsonPropertyName("accessIPv6")]
    public string? AccessIpV6 { get; init; }

    /// <summary>What it was built from.</summary>
    public LinkedReference? Image { get; init; }

    /// <summary>What it is.</summary>
    public LinkedReference? Flavor { get; init; }

    /// <summary>The key pair's name or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ShownText KeyName { get; init; }

    /// <summary><c>True</c>, or "" where none was asked for.</summary>
    public string? ConfigDrive { get; init; }

    /// <summary>Only in the answer that creates the server.</summary>
    [JsonPropertyName("adminPass")]
    public string? AdminPass { get; init; }

    /// <summary>Only in ERROR.</summary>
    public FaultView? Fault { get; init; }

    /// <summary>The groups that the server is in.</summary>
    public IReadOnlyList<NamedView>? SecurityGroups { get; init; }

    /// <summary><c>AUTO</c> or <c>MANUAL</c>.</summary>
    [JsonPropertyName("OS-DCF:diskConfig")]
    public string? DiskConfig { get; init; }

    /// <summary>The zone.</summary>
    [JsonPropertyName("OS-EXT-AZ:availability_zone")]
    public string? AvailabilityZone { get; init; }

    /// <summary>Nova's vm_state.</summary>
    [JsonPropertyName("OS-EXT-STS:vm_state")]
    public string? VmState { get; init; }

    /// <summary>Nova's task_state.</summary>
    [JsonPropertyName("OS-EXT-STS:task_state"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ShownText TaskState { get; init; }

    /// <summary>Nova's number of the power state.</summary>
    [JsonPropertyName("OS-EXT-STS:power_state")]
    public int? PowerState { get; init; }

    /// <summary>The host, for administrators.</summary>
    [JsonPropertyName("OS-EXT-SRV-ATTR:host"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ShownText Host { get; init; }

    /// <summary>The host's name at its hypervisor, for administrators.</summary>
    [JsonPropertyName("OS-EXT-SRV-ATTR:hypervisor_hostname"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ShownText HypervisorHostname { get; init; }

    /// <summary>The name at the hypervisor, for administrators.</summary>
    [JsonPropertyName("OS-EXT-SRV-ATTR:instance_name")]
    public string? InstanceName { get; init; }

    /// <summary>When it first ran.</summary>
    [JsonPropertyName("OS-SRV-USG:launched_at"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ShownText LaunchedAt { get; init; }

    /// <summary>When it was gone.</summary>
    [JsonPropertyName("OS-SRV-USG:terminated_at"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ShownText TerminatedAt { get; init; }

    /// <summary>Always empty: there are no volumes.</summary>
    [JsonPropertyName("os-extended-volumes:volumes_attached")]
    public IReadOnlyList<NamedView>? VolumesAttached { get; init; }
}

/// <summary>One server.</summary>
internal sealed record ServerEnvelope(ServerView Server);

/// <summary>A page of servers. They are made while they are written, one by one: a page of a thousand is never there as a whole.</summary>
internal sealed record ServersEnvelope(IEnumerable<ServerView> Servers, IReadOnlyList<Link>? ServersLinks);

/// <summary>The short answer to a create.</summary>
internal sealed record CreatedServer(
    string Id, IReadOnlyList<Link> Links, [property: JsonPropertyName("adminPass")] string AdminPass, [property: JsonPropertyName("OS-DCF:diskConfig")] string DiskConfig,
    IReadOnlyList<NamedView>? SecurityGroups);

/// <summary>The short answer to a create.</summary>
internal sealed record CreatedServerEnvelope(CreatedServer Server);

/// <summary>The answer to a create that asked for the reservation.</summary>
internal sealed record ReservationEnvelope(string ReservationId);

/// <summary>A server's addresses.</summary>
internal sealed record AddressesEnvelope(IReadOnlyDictionary<string, IReadOnlyList<AddressView>> Addresses);

/// <summary>A server's addresses in one network: the network's name is the key.</summary>
internal sealed class NetworkEnvelope : Dictionary<string, IReadOnlyList<AddressView>>;

/// <summary>A server's metadata.</summary>
internal sealed record MetadataEnvelope(IReadOnlyDictionary<string, string> Metadata);

/// <summary>One item of it.</summary>
internal sealed record MetaItemEnvelope(IReadOnlyDictionary<string, string> Meta);
