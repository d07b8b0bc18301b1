using System.Text.Json.Serialization;
using NovaShim.Api.Absent;
using NovaShim.Api.Agents;
using NovaShim.Api.Aggregates;
using NovaShim.Api.Extensions;
using NovaShim.Api.Flavors;
using NovaShim.Api.Health;
using NovaShim.Api.Hosts;
using NovaShim.Api.Identity;
using NovaShim.Api.Images;
using NovaShim.Api.KeyPairs;
using NovaShim.Api.Limits;
using NovaShim.Api.Migrations;
using NovaShim.Api.SecurityGroups;
using NovaShim.Api.ServerGroups;
using NovaShim.Api.Servers;
using NovaShim.Api.Usage;
using NovaShim.Api.Versions;

namespace NovaShim.Api.Representations;

/// <summary>
/// The JSON of every document the face answers with. Names are the properties' in snake_case unless they say otherwise; nulls are left out unless they
/// say otherwise.
/// </summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthDocument))]
[JsonSerializable(typeof(VersionsEnvelope))]
[JsonSerializable(typeof(VersionEnvelope))]
[JsonSerializable(typeof(ChoicesEnvelope))]
[JsonSerializable(typeof(DescriptionEnvelope))]
[JsonSerializable(typeof(TokenV3Envelope))]
[JsonSerializable(typeof(CatalogEnvelope))]
[JsonSerializable(typeof(ProjectsEnvelope))]
[JsonSerializable(typeof(IdentityVersionEnvelope))]
[JsonSerializable(typeof(IdentityVersionsEnvelope))]
[JsonSerializable(typeof(ProjectEnvelope))]
[JsonSerializable(typeof(UserEnvelope))]
[JsonSerializable(typeof(UsersEnvelope))]
[JsonSerializable(typeof(RoleEnvelope))]
[JsonSerializable(typeof(RolesEnvelope))]
[JsonSerializable(typeof(DomainEnvelope))]
[JsonSerializable(typeof(DomainsEnvelope))]
[JsonSerializable(typeof(AssignmentsEnvelope))]
[JsonSerializable(typeof(TenantsEnvelope))]
[JsonSerializable(typeof(AccessEnvelope))]
[JsonSerializable(typeof(FlavorEnvelope))]
[JsonSerializable(typeof(FlavorsEnvelope))]
[JsonSerializable(typeof(ExtraSpecsEnvelope))]
[JsonSerializable(typeof(ExtraSpecEnvelope))]
[JsonSerializable(typeof(FlavorAccessEnvelope))]
[JsonSerializable(typeof(ImageEnvelope))]
[JsonSerializable(typeof(ImagesEnvelope))]
[JsonSerializable(typeof(GlanceImage))]
[JsonSerializable(typeof(GlanceImagesEnvelope))]
[JsonSerializable(typeof(GlanceMember))]
[JsonSerializable(typeof(GlanceMembersEnvelope))]
[JsonSerializable(typeof(GlanceVersionsEnvelope))]
[JsonSerializable(typeof(ServerEnvelope))]
[JsonSerializable(typeof(ServersEnvelope))]
[JsonSerializable(typeof(CreatedServerEnvelope))]
[JsonSerializable(typeof(ReservationEnvelope))]
[JsonSerializable(typeof(AddressesEnvelope))]
[JsonSerializable(typeof(NetworkEnvelope))]
[JsonSerializable(typeof(MetadataEnvelope))]
[JsonSerializable(typeof(MetaItemEnvelope))]
[JsonSerializable(typeof(AdminPassEnvelope))]
[JsonSerializable(typeof(ConsoleOutputEnvelope))]
[JsonSerializable(typeof(ServerPasswordEnvelope))]
[JsonSerializable(typeof(DiagnosticsDocument))]
[JsonSerializable(typeof(LegacyActionsEnvelope))]
[JsonSerializable(typeof(InstanceActionsEnvelope))]
[JsonSerializable(typeof(InstanceActionEnvelope))]
[JsonSerializable(typeof(VolumeAttachmentsEnvelope))]
[JsonSerializable(typeof(KeyPairEnvelope))]
[JsonSerializable(typeof(KeyPairsEnvelope))]
[JsonSerializable(typeof(MigrationsEnvelope))]
[JsonSerializable(typeof(ServicesEnvelope))]
[JsonSerializable(typeof(ServiceEnvelope))]
[JsonSerializable(typeof(HypervisorsEnvelope))]
[JsonSerializable(typeof(HypervisorEnvelope))]
[JsonSerializable(typeof(HypervisorStatisticsEnvelope))]
[JsonSerializable(typeof(AvailabilityZonesEnvelope))]
[JsonSerializable(typeof(HostsEnvelope))]
[JsonSerializable(typeof(HostEnvelope))]
[JsonSerializable(typeof(HostChange))]
[JsonSerializable(typeof(AggregateEnvelope))]
[JsonSerializable(typeof(AggregatesEnvelope))]
[JsonSerializable(typeof(AgentEnvelope))]
[JsonSerializable(typeof(AgentsEnvelope))]
[JsonSerializable(typeof(LimitsEnvelope))]
[JsonSerializable(typeof(QuotaSetEnvelope))]
[JsonSerializable(typeof(QuotaClassSetEnvelope))]
[JsonSerializable(typeof(QuotaDetail))]
[JsonSerializable(typeof(ServerGroupEnvelope))]
[JsonSerializable(typeof(SecurityGroupEnvelope))]
[JsonSerializable(typeof(SecurityGroupsEnvelope))]
[JsonSerializable(typeof(SecurityGroupRuleEnvelope))]
[JsonSerializable(typeof(TenantUsageEnvelope))]
[JsonSerializable(typeof(TenantUsagesEnvelope))]
[JsonSerializable(typeof(AuditLogEnvelope))]
[JsonSerializable(typeof(AuditLogsEnvelope))]
[JsonSerializable(typeof(ConsolesEnvelope))]
[JsonSerializable(typeof(ExternalEventsEnvelope))]
[JsonSerializable(typeof(ServerGroupsEnvelope))]
[JsonSerializable(typeof(ExtensionsEnvelope))]
[JsonSerializable(typeof(ExtensionEnvelope))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(int))]
internal sealed partial class ApiJson : JsonSerializerContext;
