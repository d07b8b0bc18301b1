namespace NovaShim.Compute.Servers;

/// <summary>The request cannot be done now because of the state the server is in: HTTP 409.</summary>
/// <param name="message">For the user, Nova's words of today.</param>
public sealed class InstanceInvalidStateException(string message) : Exception(message)
{
    /// <summary>The refusal of a verb because of a <c>vm_state</c> or <c>task_state</c>.</summary>
    public InstanceInvalidStateException(string verb, string uuid, string attribute, string state)
        : this($"Cannot '{verb}' instance {uuid} while it is in {attribute} {state}") => LegacyMessage = $"Cannot '{verb}' while instance is in {attribute} {state}";

    /// <summary>The same in Nova's words before v2.1; null when they are the same.</summary>
    public string? LegacyMessage { get; }
}

/// <summary>The request cannot be done now because of where the migration stands: HTTP 409.</summary>
/// <param name="message">For the operator.</param>
public sealed class MigrationInvalidStateException(string message) : Exception(message);

/// <summary>There is no migration to confirm or revert.</summary>
/// <param name="message">For the user, Nova's words.</param>
public sealed class MigrationNotFoundException(string message) : Exception(message);
