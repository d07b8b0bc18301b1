using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.OData.Edm;
using Microsoft.OData.ModelBuilder;
using Microsoft.OData.ModelBuilder.Config;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Plugins;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;

namespace NovaShim.Api.Admin;

/// <summary>
/// What the administrator's OData shows and can be asked about: the stored documents themselves, under their columns' names, so that a query runs where they are stored.
/// </summary>
internal static class AdminModel
{
    /// <summary>
    /// What is neither shown nor can be asked about: what hosts hand one another, what drivers note for themselves, what users give their guests, and dictionaries, which OData has no
    /// word for.
    /// </summary>
    private static readonly (Type Type, string Property)[] Hidden =
    [
        (typeof(Document), nameof(Document.Key)),
        (typeof(WorkItem), nameof(WorkItem.Checkpoint)),
        (typeof(WorkItem), nameof(WorkItem.Context)),
        (typeof(Saga), nameof(Saga.SourceOffer)),
        (typeof(Saga), nameof(Saga.DestinationOffer)),
        (typeof(Saga), nameof(Saga.DiskInfo)),
        (typeof(InstanceDocument), nameof(InstanceDocument.KeyData)),
        (typeof(InstanceDocument), nameof(InstanceDocument.Metadata)),
        (typeof(InstanceDocument), nameof(InstanceDocument.UserData)),
        (typeof(InstanceDocument), nameof(InstanceDocument.Work)),
        (typeof(ComputeNodeDocument), nameof(ComputeNodeDocument.Claims)),
    ];

    /// <summary>The model.</summary>
    public static IEdmModel Edm { get; } = Build();

    /// <summary>The documents' JSON without what is hidden.</summary>
    public static JsonSerializerOptions Json { get; } = new(AdminJson.Default.Options) { TypeInfoResolver = AdminJson.Default.WithAddedModifier(WithoutHidden) };

    /// <summary>A property's name as it is shown.</summary>
    public static string NameOf(string property) => JsonNamingPolicy.SnakeCaseLower.ConvertName(property);

    private static IEdmModel Build()
    {
        var builder = new ODataConventionModelBuilder();
        builder.EntitySet<MigrationDocument>("Migrations").EntityType.HasKey(m => m.Uuid).Page(AdminQuery.PageSize, null);
        builder.EntitySet<InstanceDocument>("Instances").EntityType.HasKey(i => i.Uuid).Page(AdminQuery.PageSize, null);
        builder.EntitySet<InstanceActionDocument>("InstanceActions").EntityType.HasKey(a => new { a.InstanceUuid, a.RequestId }).Page(AdminQuery.PageSize, null);
        builder.EntitySet<ComputeNodeDocument>("Hosts").EntityType.HasKey(h => h.Host).Page(AdminQuery.PageSize, null);
        builder.EntitySet<PluginDocument>("Plugins").EntityType.HasKey(p => new { p.Process, p.Name });
        builder.OnModelCreating = built =>
        {
            foreach (var type in built.StructuralTypes)
            {
                type.QueryConfiguration.SetFilter(null, true);
                type.QueryConfiguration.SetOrderBy(null, true);
                type.QueryConfiguration.SetSelect(null, SelectExpandType.Allowed);
                type.QueryConfiguration.SetCount(true);
                foreach (var property in type.Properties.ToList())
                {
                    if (IsHidden(type.ClrType, property.PropertyInfo.Name))
                    {
                        type.RemoveProperty(property.PropertyInfo);
                    }
                    else
                    {
                        property.Name = NameOf(property.PropertyInfo.Name);
                    }
                }
            }
        };
        return builder.GetEdmModel();
    }

    private static void WithoutHidden(JsonTypeInfo type)
    {
        foreach (var property in type.Properties.ToList().Where(p => Hidden.Any(h => h.Type.IsAssignableFrom(type.Type) && NameOf(h.Property) == p.Name)))
        {
            type.Properties.Remove(property);
        }
    }

    private static bool IsHidden(Type type, string property) => Hidden.Any(h => h.Property == property && h.Type.IsAssignableFrom(type));
}
