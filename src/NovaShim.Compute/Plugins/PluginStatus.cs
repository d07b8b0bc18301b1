namespace NovaShim.Compute.Plugins;

/// <summary>What has become of a plugin folder.</summary>
public enum PluginState
{
    /// <summary>It is being copied in, or loaded.</summary>
    Loading,

    /// <summary>Its driver can be used.</summary>
    Loaded,

    /// <summary>It cannot be used; <see cref="PluginStatus.Message"/> says why. It is tried again when its files change.</summary>
    Refused,
}

/// <summary>A plugin folder and what has become of it.</summary>
/// <param name="Name">The folder's name, which is the plugin's.</param>
/// <param name="Path">The folder.</param>
public sealed record PluginStatus(string Name, string Path)
{
    /// <summary>The driver it exports; null as long as that is not known.</summary>
    public string? Driver { get; init; }

    /// <summary>The plugin's own version; null as long as that is not known.</summary>
    public string? Version { get; init; }

    /// <summary>The version of the Sdk it was built with; null as long as that is not known.</summary>
    public string? SdkVersion { get; init; }

    /// <summary>What has become of it.</summary>
    public PluginState State { get; init; }

    /// <summary>One line for people: why it was refused, or what is to be known of it; empty when there is nothing to say.</summary>
    public string Message { get; init; } = "";

    /// <summary>Since when it is loaded (UTC); null when it is not.</summary>
    public DateTime? LoadedAt { get; init; }
}
