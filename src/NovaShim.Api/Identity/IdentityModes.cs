using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using NovaShim.Api.Identity.Keystone;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Identity;

/// <summary>Chooses who knows the users, by <c>identity:mode</c>: <c>builtin</c>, <c>keystone</c> or <c>noauth</c>.</summary>
internal static class IdentityModes
{
    /// <summary>Registers the chosen one. Throws <see cref="InvalidOperationException"/> when its settings are wrong.</summary>
    public static IServiceCollection AddIdentity(this IServiceCollection services, IConfiguration configuration)
    {
        switch (configuration["identity:mode"] ?? "builtin")
        {
            case "builtin":
                return services.AddBuiltIn(configuration);
            case "keystone":
                return services.AddKeystone(KeystoneOptions.Read(configuration)).AddSingleton<IIdentity, KeystoneIdentity>();
            case "noauth":
                NoAuthIdentity.CheckPlace(configuration);
                return services.AddSingleton<IIdentity, NoAuthIdentity>();
            case var unknown:
                throw new InvalidOperationException($"identity:mode: '{unknown}' is none of builtin, keystone, noauth.");
        }
    }

    /// <summary>Registers what asks an external Keystone, once.</summary>
    public static IServiceCollection AddKeystone(this IServiceCollection services, KeystoneOptions options)
    {
        services.TryAddSingleton(options);
        services.TryAddSingleton(p => ActivatorUtilities.CreateInstance<KeystoneClient>(p, NewHttpClient()));
        return services;
    }

    /// <summary>One client for all requests to a service: it keeps its connections, and looks the address up again every few minutes.</summary>
    public static HttpClient NewHttpClient() =>
        new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), AllowAutoRedirect = false, UseCookies = false }) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Maps the identity service, where it is the program's own.</summary>
    public static void MapIdentity(this IEndpointRouteBuilder routes)
    {
        if (routes.ServiceProvider.GetService<BuiltInIdentity>() is not null)
        {
            routes.ServiceProvider.GetRequiredService<IdentityV2Endpoints>().Map(routes);
            routes.ServiceProvider.GetRequiredService<IdentityV3Endpoints>().Map(routes);
            routes.ServiceProvider.GetRequiredService<UserEndpoints>().Map(routes);
            routes.ServiceProvider.GetRequiredService<ProjectEndpoints>().Map(routes);
            routes.ServiceProvider.GetRequiredService<RoleEndpoints>().Map(routes);
        }
    }

    private static IServiceCollection AddBuiltIn(this IServiceCollection services, IConfiguration configuration)
    {
        var otherwise = new IdentityOptions();
        var options = new IdentityOptions
        {
            TokenHours = configuration.GetValue("identity:token_hours", otherwise.TokenHours), PasswordIterations = configuration.GetValue("identity:password_iterations", otherwise.PasswordIterations),
        };
        if (options.PasswordIterations < IdentityOptions.LeastIterations)
        {
            throw new InvalidOperationException($"identity:password_iterations: {IdentityOptions.LeastIterations} is the least.");
        }

        return services.AddSingleton(options).AddSingleton(ConfiguredUsers.Read(configuration))
            .AddSingleton<PasswordHash>().AddSingleton<UserDirectory>().AddSingleton<TokenAuthority>().AddSingleton<BuiltInIdentity>().AddSingleton<IIdentity>(p => p.GetRequiredService<BuiltInIdentity>())
            .AddSingleton<IdentityV2Endpoints>().AddSingleton<IdentityV3Endpoints>().AddSingleton<UserEndpoints>().AddSingleton<ProjectEndpoints>().AddSingleton<RoleEndpoints>()
            .AddHostedService<IdentitySeeds>().AddHostedService<ExpiredTokens>();
    }
}
