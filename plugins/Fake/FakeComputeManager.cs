using NovaShim.Fake;
using NovaShim.Sdk;

[assembly: ComputePlugin("fake", typeof(FakeComputeManager))]

namespace NovaShim.Fake;

/// <summary>
/// What this plugin exports. The base class answers each message by calling the driver, so there is nothing else to say here: a plugin is this class, the line above it, and a
/// <see cref="VirtDriver"/>.
/// </summary>
public sealed class FakeComputeManager(ComputeHost host) : ComputeManager(new FakeDriver(host));
