using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using NovaShim.Api.Identity;
using NovaShim.Api.Identity.Keystone;
using NovaShim.Api.Images.External;
using NovaShim.Api.Requests;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>Chooses where images are kept, by <c>images:mode</c>: <c>builtin</c>, the program's own, or <c>glance</c>, an external one that the external Keystone's catalog names.</summary>
public static class ImageModes
{
    /// <summary>
    /// Registers an external Glance for every role, where that is chosen; after the control plane's own. Throws <see cref="InvalidOperationException"/> with the setting's name when one is wrong.
    /// </summary>
    public static IServiceCollection AddExternalImages(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        if (GlanceOptions.Read(configuration) is not { } options)
        {
            return services;
        }

        services.AddKeystone(KeystoneOptions.Read(configuration)).AddHttpContextAccessor();
        return services.AddSingleton(options)
            .AddSingleton(p => ActivatorUtilities.CreateInstance<GlanceClient>(p, IdentityModes.NewHttpClient()))
            .AddSingleton<GlanceImages>().AddSingleton<IImageLibrary, GlanceLibrary>().AddHostedService<ImageCacheSweep>();
    }

    /// <summary>Maps the Image API, where images are the program's own.</summary>
    internal static void MapImages(this IEndpointRouteBuilder routes)
    {
        if (routes.ServiceProvider.GetService<GlanceEndpoints>() is { } glance)
        {
            glance.MapImage(routes);
            routes.ServiceProvider.GetRequiredService<GlanceMembers>().Map(routes);
            GlanceSchemas.Map(routes);
        }
    }

    /// <summary>Registers what compute shows of images and, where they are the program's own, the Image API over them.</summary>
    internal static IServiceCollection AddComputeImages(this IServiceCollection services, IConfiguration configuration)
    {
        if (GlanceOptions.Read(configuration) is not null)
        {
            return services.AddSingleton<IComputeImages, GlanceComputeImages>();
        }

        return services.AddSingleton<ImageShelf>().AddSingleton<ImageRemoval>().AddSingleton<GlanceMembers>().AddSingleton<IComputeImages, OwnComputeImages>()
            .AddSingleton<GlanceEndpoints>().AddSingleton<IComputeCapability>(p => p.GetRequiredService<GlanceEndpoints>()).AddHostedService<ImageSweep>();
    }
}
