using System.Text.Json.Serialization;

namespace NovaShim.Api.SecurityGroups;

/// <summary>Where a rule lets traffic in from by the servers of a group; without either when it does not.</summary>
internal sealed record PeerGroupView(string? Name = null, string? TenantId = null);

/// <summary>Where a rule lets traffic in from by addresses; without one when it does not.</summary>
internal sealed record IpRangeView(string? Cidr = null);

/// <summary>A rule, with exactly Nova's keys, of which some may be null.</summary>
internal sealed record SecurityGroupRuleView
{
    /// <summary>Its id.</summary>
    public required int Id { get; init; }

    /// <summary>The group it is a rule of.</summary>
    public required int ParentGroupId { get; init; }

    /// <summary>The protocol.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? IpProtocol { get; init; }

    /// <summary>The first port.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int? FromPort { get; init; }

    /// <summary>The last port.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int? ToPort { get; init; }

    /// <summary>From which group.</summary>
    public required PeerGroupView Group { get; init; }

    /// <summary>From which addresses.</summary>
    public required IpRangeView IpRange { get; init; }
}

/// <summary>A security group, with exactly Nova's keys.</summary>
internal sealed record SecurityGroupView(int Id, string Name, string Description, string TenantId, IReadOnlyList<SecurityGroupRuleView> Rules);

/// <summary>One rule.</summary>
internal sealed record SecurityGroupRuleEnvelope(SecurityGroupRuleView SecurityGroupRule);

/// <summary>One group.</summary>
internal sealed record SecurityGroupEnvelope(SecurityGroupView SecurityGroup);

/// <summary>Groups.</summary>
internal sealed record SecurityGroupsEnvelope(IReadOnlyList<SecurityGroupView> SecurityGroups);
