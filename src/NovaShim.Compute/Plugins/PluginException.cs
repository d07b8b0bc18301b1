using System.Reflection;

namespace NovaShim.Compute.Plugins;

/// <summary>A driver cannot be had: no plugin exports it, or the plugin failed to make a compute manager. The message is one line for people.</summary>
public sealed class PluginException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A plugin folder cannot be used as it is. The message is one line for people.</summary>
internal sealed class PluginRefusedException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What any failure is called in one line: the innermost cause, without line breaks, at most 400 characters.</summary>
    public static string Describe(Exception failure)
    {
        while (failure is TypeInitializationException or TargetInvocationException or AggregateException && failure.InnerException is { } inner)
        {
            failure = inner;
        }

        var line = string.Join(' ', failure.Message.Split(['\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        return line.Length <= 400 ? line : line[..399] + "…";
    }
}
