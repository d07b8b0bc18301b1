namespace NovaShim.Compute.Servers;

/// <summary>The request cannot be done now because of the state the server is in: HTTP 409.</summary>
/// <param name="message">For the user, Nova's words.</param>
public sealed class InstanceInvalidStateException(string message) : Exception(message);

/// <summary>The request cannot be done now because of where the migration stands: HTTP 409.</summary>
/// <param name="message">For the operator.</param>
public sealed class MigrationInvalidStateException(string message) : Exception(message);

/// <summary>There is no migration to confirm or revert.</summary>
/// <param name="message">For the user, Nova's words.</param>
public sealed class MigrationNotFoundException(string message) : Exception(message);
