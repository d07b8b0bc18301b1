namespace NovaShim.Compute.Plugins;

/// <summary>Where plugins come from: section <c>plugins</c> of the configuration. Times are in seconds.</summary>
public sealed record PluginOptions
{
    /// <summary>The folder that holds one folder per plugin. It may be missing, and may appear later.</summary>
    public string Path { get; init; } = System.IO.Path.Combine(AppContext.BaseDirectory, "plugins");

    /// <summary>How often the folder is looked at when the file system has told of no change. A copy counts as complete when nothing has changed for half of it, at most a second.</summary>
    public double PollSeconds { get; init; } = 2;

    /// <summary>What this process is called where its plugins are listed.</summary>
    public string Process { get; init; } = $"{Environment.MachineName}:{Environment.ProcessId}";

    /// <summary>How often this process confirms what it has listed.</summary>
    public double ReportSeconds { get; init; } = 10;

    internal TimeSpan Poll => TimeSpan.FromSeconds(PollSeconds);

    internal TimeSpan Settle => TimeSpan.FromSeconds(Math.Min(1, PollSeconds / 2));
}
