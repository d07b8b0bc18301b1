using NovaShim.Sdk;

namespace NovaShim.Compute.Plugins;

/// <summary>Where compute managers come from: the plugins that are loaded now.</summary>
public interface IComputeManagers
{
    /// <summary>Returns as soon as a plugin that exports the driver is loaded.</summary>
    Task WaitForDriverAsync(string driver, CancellationToken cancellation);

    /// <summary>Makes a compute manager for a host; the caller disposes it. Throws a message for people when no plugin exports the driver or its settings are wrong.</summary>
    ComputeManager Create(string driver, ComputeHost host);
}
