using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Plugins;

/// <summary>
/// A plugin folder as one running process sees it. Its key is <c>process/name</c>. Each process keeps its own; <see cref="SeenAt"/> tells the living from the dead.
/// </summary>
public sealed record PluginDocument : Document
{
    /// <summary>The process, <c>machine:pid</c>.</summary>
    public required string Process { get; init; }

    /// <summary>The folder's name, which is the plugin's.</summary>
    public required string Name { get; init; }

    /// <summary>The folder.</summary>
    public required string Path { get; init; }

    /// <summary>The driver it exports; null when that is not known.</summary>
    public string? Driver { get; init; }

    /// <summary>The plugin's own version; null when that is not known.</summary>
    public string? Version { get; init; }

    /// <summary>The version of the Sdk it was built with; null when that is not known.</summary>
    public string? SdkVersion { get; init; }

    /// <summary><c>loading</c>, <c>loaded</c> or <c>refused</c>.</summary>
    public required string State { get; init; }

    /// <summary>One line for people: why it was refused; empty when there is nothing to say.</summary>
    public string Message { get; init; } = "";

    /// <summary>Since when it is loaded (UTC, whole milliseconds); null when it is not.</summary>
    public DateTime? LoadedAt { get; init; }

    /// <summary>When the process last confirmed this (UTC, whole milliseconds).</summary>
    public required DateTime SeenAt { get; init; }

    /// <summary>Whether the process has been silent for three of its intervals: it has died, or cannot reach the store.</summary>
    /// <param name="now">The present (UTC).</param>
    /// <param name="reportSeconds"><see cref="PluginOptions.ReportSeconds"/>.</param>
    public bool IsStale(DateTime now, double reportSeconds) => SeenAt < now - TimeSpan.FromSeconds(3 * reportSeconds);
}
