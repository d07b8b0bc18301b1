using NovaShim.Sdk;
using NovaShim.XenServer;

[assembly: ComputePlugin("xenserver", typeof(XenServerComputeManager))]

namespace NovaShim.XenServer;

/// <summary>Serves hosts whose driver is <c>xenserver</c>. Every message is handled as the base class does it, with <see cref="XenServerDriver"/> underneath.</summary>
/// <param name="host">The host; its settings are those of <see cref="XenServerSettings"/>, in snake_case.</param>
public sealed class XenServerComputeManager(ComputeHost host) : ComputeManager(new XenServerDriver(host));
