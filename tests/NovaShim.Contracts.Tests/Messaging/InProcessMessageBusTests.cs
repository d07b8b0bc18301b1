using Microsoft.Extensions.Logging.Testing;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Messaging.InProcess;

namespace NovaShim.Contracts.Tests.Messaging;

/// <summary>The contract over the in-process bus.</summary>
public sealed class InProcessMessageBusTests : MessageBusContract
{
    protected override Task<IMessageBus> OpenAsync() => Task.FromResult<IMessageBus>(new InProcessMessageBus(TimeProvider.System, new FakeLogger<InProcessMessageBus>(Logs)));

    protected override Task CloseAsync(IMessageBus opened) => Task.CompletedTask;
}
