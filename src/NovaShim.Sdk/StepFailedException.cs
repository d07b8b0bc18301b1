namespace NovaShim.Sdk;

/// <summary>What is to be done about a step that failed.</summary>
public enum StepRecovery
{
    /// <summary>Try the same step again, with growing pauses; when the tries are spent, give up as <see cref="Unwind"/>.</summary>
    Retry,

    /// <summary>Trying again cannot help: undo what was done and put the server back where it was.</summary>
    Unwind,

    /// <summary>What arrived at the destination is not what the source has: copy again.</summary>
    CopyAgain,

    /// <summary>This host cannot take the server, another may: choose again. For the preparation of a destination and for builds.</summary>
    Reschedule,
}

/// <summary>
/// A handler failed in a way it understands. The message goes to the user and the operator as it is: say what happened, on which host, and what a person
/// can do; no secrets, no stack. Any other exception counts as <see cref="StepRecovery.Retry"/>.
/// </summary>
public class StepFailedException : Exception
{
    /// <summary>A failure with a message for people.</summary>
    public StepFailedException(string message, StepRecovery recovery = StepRecovery.Retry, Exception? inner = null)
        : base(message, inner) => Recovery = recovery;

    /// <summary>What is to be done about it.</summary>
    public StepRecovery Recovery { get; }
}

/// <summary>Another process has taken the step over, or it is no longer wanted: stop before the next side effect.</summary>
public sealed class LeaseLostException(string message) : Exception(message);
