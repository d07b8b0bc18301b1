using NovaShim.Sdk;

namespace NovaShim.XenServer.Guests;

/// <summary>The agent in a guest did not answer, or refused. Asking again by itself would not help: the server stays as it is, and its user is told.</summary>
internal sealed class AgentException(string message, Exception? inner = null) : StepFailedException(message, StepRecovery.Unwind, inner);
