using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using NovaShim.Compute.Messaging;

namespace NovaShim.Nats;

/// <summary>Registers the message bus over NATS.</summary>
public static class NatsMessageBusServices
{
    /// <summary>The <see cref="IMessageBus"/> over the NATS server at <paramref name="url"/>, such as <c>nats://host:4222</c>; several are separated by commas.</summary>
    public static IServiceCollection AddNatsMessageBus(this IServiceCollection services, string url)
    {
        services.TryAddSingleton(TimeProvider.System);
        return services.AddSingleton<IMessageBus>(p => new NatsMessageBus(url, p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ILogger<NatsMessageBus>>()));
    }
}
