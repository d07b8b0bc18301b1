using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using NovaShim.Api.Absent;
using NovaShim.Api.Admin;
using NovaShim.Api.Agents;
using NovaShim.Api.Aggregates;
using NovaShim.Api.Extensions;
using NovaShim.Api.Faults;
using NovaShim.Api.Flavors;
using NovaShim.Api.Health;
using NovaShim.Api.Hosts;
using NovaShim.Api.Identity;
using NovaShim.Api.Images;
using NovaShim.Api.KeyPairs;
using NovaShim.Api.Limits;
using NovaShim.Api.Migrations;
using NovaShim.Api.RateLimits;
using NovaShim.Api.Requests;
using NovaShim.Api.SecurityGroups;
using NovaShim.Api.ServerGroups;
using NovaShim.Api.Servers;
using NovaShim.Api.Servers.Actions;
using NovaShim.Api.Usage;
using NovaShim.Api.Versions;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Quotas;
using NovaShim.Compute.Images;

namespace NovaShim.Api;

/// <summary>The HTTP face, for whoever hosts it. The control plane and a document store are registered beside it.</summary>
public static class NovaApi
{
    private static readonly string[] ComputePrefixes = ["/v1.1/{tenant_id}", "/v2/{tenant_id}", "/v2.1", "/v2.1/{tenant_id}"];

    /// <summary>
    /// Registers it with sections <c>api</c>, <c>identity</c>, <c>quota</c> and <c>rate_limits</c> of a configuration. Throws <see cref="InvalidOperationException"/> when
    /// they cannot be understood.
    /// </summary>
    public static IServiceCollection AddNovaApi(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        var options = new ApiOptions
        {
            MaxBodyBytes = configuration.GetValue("api:max_body_bytes", new ApiOptions().MaxBodyBytes),
            TrustedProxies = configuration.GetSection("api:trusted_proxies").Get<string[]>() ?? [],
        };
        services.AddSingleton(options);
        var quota = QuotaOptions.Read(configuration.GetSection("quota"));
        services.AddSingleton(quota);
        services.AddSingleton(provider => new QuotaSettings(provider.GetRequiredService<IDocumentStore>(), quota.ByResource()));
        services.AddSingleton(RateLimitOptions.Of(configuration));
        services.AddSingleton<RateLimiter>();
        services.TryAddSingleton(TimeProvider.System);
        services.Configure<ForwardedHeadersOptions>(forwarded => TrustOnly(forwarded, options.TrustedProxies));

        services.AddIdentity(configuration);
        services.AddSingleton<HeaderLogin>();
        services.AddSingleton<ServerLookup>();
        services.AddSingleton<KeyPairShelf>();
        services.AddSingleton<ServerCreation>();
        services.AddSingleton<ResizeRules>();
        services.AddSingleton<Quotas>();
        services.AddComputeImages(configuration);
        services.AddSingleton<VersionEndpoints>();
        services.AddSingleton<HealthEndpoint>();
        services.AddSingleton<FlavorShelf>();
        services.AddCapability<FlavorEndpoints>();
        services.AddCapability<FlavorManagement>();
        services.AddCapability<FlavorAccess>();
        services.AddCapability<FlavorExtraSpecs>();
        services.AddCapability<ImageEndpoints>();
        services.AddCapability<ImageMetadataEndpoints>();
        services.AddCapability<ServerEndpoints>();
        services.AddCapability<ServerActionEndpoints>();
        services.AddCapability<DiagnosticsEndpoints>();
        services.AddSingleton<IServerActions, MigrationActions>();
        services.AddSingleton<IServerActions, PowerActions>();
        services.AddSingleton<IServerActions, CustodyActions>();
        services.AddSingleton<IServerActions, RebuildActions>();
        services.AddSingleton<IServerActions, SnapshotActions>();
        services.AddSingleton<IServerActions, ConsoleActions>();
        services.AddSingleton<IServerActions, SecurityGroupActions>();
        services.AddSingleton<IServerActions, AbsentActions>();
        services.AddSingleton<BootImages>();
        services.AddCapability<ServerMetadataEndpoints>();
        services.AddCapability<InstanceActionEndpoints>();
        services.AddCapability<KeyPairEndpoints>();
        services.AddCapability<AbsentServices>();
        services.AddCapability<VolumeAttachments>();
        services.AddCapability<MigrationEndpoints>();
        services.AddCapability<ServiceEndpoints>();
        services.AddCapability<HypervisorEndpoints>();
        services.AddCapability<AvailabilityZones>();
        services.AddCapability<AggregateEndpoints>();
        services.AddCapability<HostEndpoints>();
        services.AddCapability<AgentEndpoints>();
        services.AddCapability<LimitEndpoints>();
        services.AddSingleton<ServerGroupShelf>();
        services.AddSingleton<HintsOfBody>();
        services.AddSingleton<SecurityGroupShelf>();
        services.AddSingleton<ServerSecurityGroups>();
        services.AddSingleton<RuleOfBody>();
        services.AddCapability<SecurityGroupEndpoints>();
        services.AddCapability<ServerGroupEndpoints>();
        services.AddCapability<QuotaSetEndpoints>();
        services.AddCapability<TenantUsageEndpoints>();
        services.AddCapability<AuditLogEndpoints>();
        services.AddCapability<ConsoleEndpoints>();
        services.AddCapability<ExternalEventEndpoints>();
        services.AddCapability<QuotaClassEndpoints>();
        services.AddCapability<ExtensionEndpoints>();
        services.AddAdminOData();
        services.AddSingleton<MigrationVerbs>();
        return services;
    }

    /// <summary>Puts it into the program: its middleware in order, then its routes.</summary>
    public static WebApplication MapNovaApi(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UseForwardedHeaders();
        app.UseMiddleware<RequestIntake>();
        app.UseMiddleware<FaultMiddleware>();
        app.UseMiddleware<Negotiation>();

        // Routing comes after the intake, which takes doubled slashes and suffixes out of the path.
        app.UseRouting();
        app.UseMiddleware<ExactPaths>();
        app.UseMiddleware<UnversionedPaths>();
        app.UseMiddleware<TokenMiddleware>();
        app.UseMiddleware<RateLimitMiddleware>();

        app.Services.GetRequiredService<HealthEndpoint>().Map(app);
        app.Services.GetRequiredService<VersionEndpoints>().Map(app);
        DescriptionEndpoints.Map(app);
        app.MapIdentity();
        app.MapImages();
        foreach (var prefix in ComputePrefixes)
        {
            IEndpointRouteBuilder group = app.MapGroup(prefix).NeedsToken();
            foreach (var capability in app.Services.GetServices<IComputeCapability>())
            {
                capability.Map(group);
            }
        }

        app.MapAdminOData();
        app.Services.GetRequiredService<MigrationVerbs>().Map(app);
        return app;
    }

    private static void AddCapability<T>(this IServiceCollection services) where T : class, IComputeCapability
    {
        services.AddSingleton<T>();
        services.AddSingleton<IComputeCapability>(provider => provider.GetRequiredService<T>());
    }

    private static void TrustOnly(ForwardedHeadersOptions forwarded, IReadOnlyList<string> proxies)
    {
        forwarded.ForwardedHeaders = proxies.Count == 0 ? ForwardedHeaders.None : ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost | ForwardedHeaders.XForwardedPrefix;
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var proxy in proxies)
        {
            forwarded.KnownProxies.Add(IPAddress.TryParse(proxy, out var address) ? address : throw new InvalidOperationException($"api:trusted_proxies: '{proxy}' is not an IP address."));
        }
    }
}
