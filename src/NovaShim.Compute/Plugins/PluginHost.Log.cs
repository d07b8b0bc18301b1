using Microsoft.Extensions.Logging;

namespace NovaShim.Compute.Plugins;

public sealed partial class PluginHost
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Watching {Folder} for plugins.")]
    private partial void LogWatching(string folder);

    [LoggerMessage(Level = LogLevel.Information, Message = "Plugin {Name} {Version} is loaded; driver {Driver}.")]
    private partial void LogLoaded(string name, string version, string driver);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Plugin {Name} is refused: {Reason}")]
    private partial void LogRefused(string name, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Plugin {Name} is refused because of:")]
    private partial void LogRefusedBecause(string name, Exception e);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Could not look into {Folder}; the next look will tell.")]
    private partial void LogLookFailed(string folder, Exception e);

    [LoggerMessage(Level = LogLevel.Error, Message = "A listener to changes of the plugins failed.")]
    private partial void LogListenerFailed(Exception e);
}
