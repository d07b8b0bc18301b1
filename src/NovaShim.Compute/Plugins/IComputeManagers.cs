using NovaShim.Sdk;

namespace NovaShim.Compute.Plugins;

/// <summary>Where compute managers come from: the plugins that are loaded now.</summary>
public interface IComputeManagers
{
    /// <summary>Makes the manager of a host, or returns null while no plugin with this driver is loaded. Throws what the plugin's constructor throws (bad settings, say).</summary>
    ComputeManager? TryCreate(string driver, ComputeHost host);

    /// <summary>Raised when a driver has become available.</summary>
    event Action? Changed;
}
