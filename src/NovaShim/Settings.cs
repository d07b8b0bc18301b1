namespace NovaShim;

/// <summary>Reads the settings: a JSON file, over it the environment (<c>NOVASHIM_api__urls</c>), over it the command line's <c>--set</c>.</summary>
internal static class Settings
{
    /// <summary>The settings. Throws with the file's or the option's name when one cannot be read.</summary>
    public static IConfigurationRoot Read(FileInfo? file, IReadOnlyList<string> assignments)
    {
        var values = new Dictionary<string, string?>();
        foreach (var assignment in assignments)
        {
            var at = assignment.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0)
            {
                throw new InvalidOperationException($"--set {assignment}: a setting is KEY=VALUE, such as data=/var/lib/novashim or hosts:0:name=xen1.");
            }

            values[assignment[..at].Trim()] = assignment[(at + 1)..];
        }

        if (file is { Exists: false })
        {
            throw new InvalidOperationException($"--config {file}: there is no such file.");
        }

        var builder = new ConfigurationBuilder();
        if (file is not null)
        {
            builder.AddJsonFile(file.FullName, optional: false);
        }

        return builder.AddEnvironmentVariables("NOVASHIM_").AddInMemoryCollection(values).Build();
    }
}
