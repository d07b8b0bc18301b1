using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace NovaShim.Compute.Plugins;

/// <summary>Puts the plugin host together.</summary>
public static class PluginServices
{
    /// <summary>Watches the plugin folder, gives out compute managers from it and lists what is there in the store.</summary>
    public static IServiceCollection AddNovaPlugins(this IServiceCollection services, PluginOptions options) => services
        .AddSingleton(options)
        .AddSingleton<PluginHost>()
        .AddSingleton<IComputeManagers>(p => p.GetRequiredService<PluginHost>())
        .AddSingleton<IHostedService>(p => p.GetRequiredService<PluginHost>())
        .AddHostedService<PluginReporter>();
}
