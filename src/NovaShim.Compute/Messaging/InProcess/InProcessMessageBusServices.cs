using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace NovaShim.Compute.Messaging.InProcess;

/// <summary>Registers the in-process message bus.</summary>
public static class InProcessMessageBusServices
{
    /// <summary>The <see cref="IMessageBus"/> of one process.</summary>
    public static IServiceCollection AddInProcessMessageBus(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        return services.AddSingleton<IMessageBus, InProcessMessageBus>();
    }
}
