using Microsoft.Extensions.Hosting;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Identity;

/// <summary>At the start, before anybody can log in: the users of the configuration.</summary>
internal sealed class IdentitySeeds(IDocumentStore store, PasswordHash passwords, IReadOnlyList<ConfiguredUser> users) : IHostedService
{
    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => ConfiguredUsers.PlantAsync(store, passwords, users, cancellationToken);

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
