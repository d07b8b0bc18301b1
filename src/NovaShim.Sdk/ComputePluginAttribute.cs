namespace NovaShim.Sdk;

/// <summary>
/// Marks an assembly as a virt plugin and says what it exports: the name by which a host's configuration asks for the driver, and the
/// <see cref="ComputeManager"/> that serves such hosts. The type must be public and have a public constructor that takes one
/// <see cref="ComputeHost"/>.
/// </summary>
/// <param name="driver">The driver's name in a host's configuration, lower case, such as <c>xenserver</c>.</param>
/// <param name="manager">A concrete class deriving from <see cref="ComputeManager"/>.</param>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class ComputePluginAttribute(string driver, Type manager) : Attribute
{
    /// <summary>The driver's name in a host's configuration.</summary>
    public string Driver { get; } = driver;

    /// <summary>The exported compute manager.</summary>
    public Type Manager { get; } = manager;
}
