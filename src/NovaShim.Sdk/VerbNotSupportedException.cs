namespace NovaShim.Sdk;

/// <summary>
/// The driver cannot do what was asked for, now or ever. The control plane tells it to the user as Nova does: a question that is answered at once gets 501, an action that has been accepted fails
/// in the server's action log and leaves the server as it was.
/// </summary>
/// <param name="verb">The verb, Nova's name for it, such as <c>set_admin_password</c>.</param>
/// <param name="inner">What the hypervisor said, if it was asked.</param>
public class VerbNotSupportedException(string verb, Exception? inner = null)
    : StepFailedException($"The driver of this server's host does not support {verb}.", StepRecovery.Unwind, inner)
{
    /// <summary>The verb, Nova's name for it.</summary>
    public string Verb { get; } = verb;
}
