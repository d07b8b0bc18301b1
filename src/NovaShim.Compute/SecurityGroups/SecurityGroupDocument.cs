using NovaShim.Compute.Documents;

namespace NovaShim.Compute.SecurityGroups;

/// <summary>A tenant's security group: a row of Nova's <c>security_groups</c>. What may come in is in its <see cref="SecurityGroupRuleDocument"/>s; its key is its id.</summary>
public sealed record SecurityGroupDocument : Document
{
    /// <summary>The group that every tenant has, and every server that asks for no other.</summary>
    public const string Default = "default";

    /// <summary>Nova's integer id.</summary>
    public required int Id { get; init; }

    /// <summary>The tenant it belongs to.</summary>
    public required string ProjectId { get; init; }

    /// <summary>Its name; the tenant has no other of it.</summary>
    public required string Name { get; init; }

    /// <summary>What it is for.</summary>
    public required string Description { get; init; }
}
