using NovaShim.Compute.Agents;
using NovaShim.Compute.Aggregates;
using NovaShim.Compute.Flavors;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Identity;
using NovaShim.Compute.Images;
using NovaShim.Compute.KeyPairs;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Plugins;
using NovaShim.Compute.Quotas;
using NovaShim.Compute.SecurityGroups;
using NovaShim.Compute.ServerGroups;
using NovaShim.Compute.Servers;

namespace NovaShim.Compute.Documents;

/// <summary>An index of a collection over the named properties (paths with dots go into sub-documents; C# names, each store applies its own spelling).</summary>
/// <param name="Name">Its name.</param>
/// <param name="Properties">The indexed properties, in order. A document in which the first of them is null is not in a unique index.</param>
/// <param name="Unique">Whether two documents may share the values.</param>
public sealed record DocumentIndex(string Name, IReadOnlyList<string> Properties, bool Unique = false);

/// <summary>A collection: which documents it holds, its name (Nova's table name) and its indexes.</summary>
public sealed record DocumentKind(Type Type, string Collection, IReadOnlyList<DocumentIndex> Indexes);

/// <summary>The one place that names all collections and their indexes.</summary>
public static class DocumentCatalog
{
    /// <summary>All collections.</summary>
    public static IReadOnlyList<DocumentKind> Kinds { get; } =
    [
        new(typeof(InstanceDocument), "instances",
        [
            new("instances_id", ["Id"], Unique: true),
            new("instances_project", ["ProjectId", "CreatedAt"]),
            new("instances_host", ["Host"]),
            new("instances_group", ["Hints.Group"]),
            new("instances_due", ["Work.Actor", "Work.DueAt"]),
        ]),
        new(typeof(MigrationDocument), "migrations",
        [
            new("migrations_id", ["Id"], Unique: true),
            new("migrations_instance", ["InstanceUuid", "CreatedAt"]),
            new("migrations_due", ["Saga.Actor", "Saga.DueAt"]),
        ]),
        new(typeof(FlavorDocument), "instance_types",
        [
            new("instance_types_id", ["Id"], Unique: true),
            new("instance_types_flavorid_deleted", ["FlavorId", "Deleted"], Unique: true),
            new("instance_types_name_deleted", ["Name", "Deleted"], Unique: true),
        ]),
        new(typeof(ImageDocument), "images", [new("images_name", ["Name"])]),
        new(typeof(KeyPairDocument), "key_pairs", [new("key_pairs_user", ["UserId", "Name"], Unique: true)]),
        new(typeof(ServiceDocument), "services", [new("services_host_binary", ["Host", "Binary"], Unique: true)]),
        new(typeof(ComputeNodeDocument), "compute_nodes", [new("compute_nodes_id", ["Id"], Unique: true)]),
        new(typeof(AggregateDocument), "aggregates", [new("aggregates_id", ["Id"], Unique: true), new("aggregates_name", ["Name"], Unique: true)]),
        new(typeof(AgentBuildDocument), "agent_builds",
        [
            new("agent_builds_id", ["Id"], Unique: true),
            new("agent_builds_hypervisor_os_architecture", ["Hypervisor", "Os", "Architecture"], Unique: true),
        ]),
        new(typeof(QuotaDocument), "quotas", [new("quotas_project", ["ProjectId"])]),
        new(typeof(QuotaClassDocument), "quota_classes", []),
        new(typeof(QuotaUsageDocument), "quota_usages", []),
        new(typeof(ServerGroupDocument), "instance_groups", [new("instance_groups_project", ["ProjectId"])]),
        new(typeof(SecurityGroupDocument), "security_groups", [new("security_groups_id", ["Id"], Unique: true), new("security_groups_project_name", ["ProjectId", "Name"], Unique: true)]),
        new(typeof(SecurityGroupRuleDocument), "security_group_iptables", [new("security_group_iptables_id", ["Id"], Unique: true), new("security_group_iptables_parent", ["ParentGroupId"])]),
        new(typeof(InstanceActionDocument), "instance_actions", [new("instance_actions_instance", ["InstanceUuid", "StartTime"])]),
        new(typeof(TokenDocument), "tokens", [new("tokens_expires", ["ExpiresAt"])]),
        new(typeof(UserDocument), "users", [new("users_name", ["Name"], Unique: true)]),
        new(typeof(ProjectDocument), "projects", [new("projects_name", ["Name"], Unique: true)]),
        new(typeof(PluginDocument), "plugins", [new("plugins_process", ["Process"])]),
        new(typeof(QueueTurnDocument), "migration_queue", []),
        new(typeof(SequenceDocument), "sequences", []),
    ];

    /// <summary>The collection of a document type.</summary>
    public static DocumentKind Of<T>() where T : Document => Kinds.Single(k => k.Type == typeof(T));
}
