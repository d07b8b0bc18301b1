namespace NovaShim.Compute.Identity;

/// <summary>A name is taken.</summary>
public sealed class NameTakenException(string message) : Exception(message);

/// <summary>The configuration has the say over it.</summary>
public sealed class ConfiguredException(string what) : Exception($"{what} is named in the configuration: change it there.");
