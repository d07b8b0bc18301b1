namespace NovaShim.XenServer.Dom0;

/// <summary>A command in dom0 failed, or dom0 could not be reached.</summary>
/// <param name="message">What was tried, and what came of it.</param>
/// <param name="exitCode">The command's exit code; -1 when it had none.</param>
/// <param name="output">What the command said last.</param>
/// <param name="inner">The cause, if it is another exception.</param>
internal sealed class Dom0Exception(string message, int exitCode = -1, string output = "", Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The command's exit code; -1 when it had none.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>What the command said last, on its standard error and output.</summary>
    public string Output { get; } = output;
}
