using NovaShim.Sdk;
using OutsidePlugin;

[assembly: ComputePlugin("outside", typeof(OutsideComputeManager))]

namespace OutsidePlugin;

/// <summary>What the plugin exports.</summary>
public sealed class OutsideComputeManager(ComputeHost host) : ComputeManager(new FolderDriver(host));
