using Microsoft.Extensions.Logging.Testing;
using NovaShim.Compute.Messaging;
using NovaShim.Contracts.Tests.Servers;
using NovaShim.Nats;

namespace NovaShim.Contracts.Tests.Messaging;

/// <summary>The contract over a real nats-server.</summary>
public sealed class NatsMessageBusTests(NatsServer server) : MessageBusContract, IClassFixture<NatsServer>
{
    protected override Task<IMessageBus> OpenAsync() => Task.FromResult<IMessageBus>(new NatsMessageBus(server.Url, TimeProvider.System, new FakeLogger<NatsMessageBus>(Logs)));

    protected override async Task CloseAsync(IMessageBus opened) => await ((NatsMessageBus)opened).DisposeAsync();
}
