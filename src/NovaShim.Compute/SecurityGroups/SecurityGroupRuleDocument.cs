using System.Globalization;
using NovaShim.Compute.Documents;

namespace NovaShim.Compute.SecurityGroups;

/// <summary>What may come in: a row of Nova's <c>security_group_iptables</c>. Its key is all that it says, so that a group cannot have it twice.</summary>
public sealed record SecurityGroupRuleDocument : Document
{
    /// <summary>Nova's integer id.</summary>
    public required int Id { get; init; }

    /// <summary>The group it is a rule of.</summary>
    public required int ParentGroupId { get; init; }

    /// <summary><c>tcp</c>, <c>udp</c> or <c>icmp</c>; null, with a group only: anything.</summary>
    public string? IpProtocol { get; init; }

    /// <summary>The first port, or the type of ICMP, where -1 is any.</summary>
    public int? FromPort { get; init; }

    /// <summary>The last port, or the code of ICMP.</summary>
    public int? ToPort { get; init; }

    /// <summary>Where it may come from; null when it may come from the servers of a group.</summary>
    public string? Cidr { get; init; }

    /// <summary>The group whose servers it may come from, or null.</summary>
    public int? PeerGroupId { get; init; }

    /// <summary>The key of a rule that says this.</summary>
    public static string KeyOf(int parent, string? protocol, int? from, int? to, string? cidr, int? peer) => string.Create(CultureInfo.InvariantCulture, $"{parent} {protocol} {from}:{to} {cidr} {peer}");
}
