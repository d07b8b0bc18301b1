using Microsoft.Extensions.Configuration;

namespace NovaShim.Compute.Hosts;

/// <summary>A host this process drives: an entry of the configuration's <c>hosts</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Driver">The driver that its plugin exports.</param>
/// <param name="Settings">The driver's settings.</param>
public sealed record ComputeHostOptions(string Name, string Driver, IConfiguration Settings)
{
    /// <summary>Reads the section <c>hosts</c>. Throws <see cref="InvalidOperationException"/> with the entry's place when one is wrong.</summary>
    public static IReadOnlyList<ComputeHostOptions> Read(IConfiguration configuration)
    {
        var hosts = new List<ComputeHostOptions>();
        foreach (var entry in configuration.GetSection("hosts").GetChildren())
        {
            var name = entry["name"];
            if (string.IsNullOrWhiteSpace(name) || name.Contains('@', StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"{entry.Path}: a host needs a name without '@'.");
            }

            var driver = entry["driver"] ?? throw new InvalidOperationException($"{entry.Path}: host {name} needs a driver, such as 'xenserver' or 'fake'.");
            if (hosts.Any(h => h.Name == name))
            {
                throw new InvalidOperationException($"{entry.Path}: there is another host called {name}.");
            }

            hosts.Add(new ComputeHostOptions(name, driver, entry.GetSection("settings")));
        }

        return hosts;
    }
}
