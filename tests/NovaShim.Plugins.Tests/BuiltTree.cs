using System.Reflection;

namespace NovaShim.Plugins.Tests;

/// <summary>Where the sources are, and what was built of them: the project that compiles this file says so in its metadata.</summary>
internal static class BuiltTree
{
    public static string RepositoryRoot { get; } = Metadata("RepositoryRoot");

    public static string ArtifactsPath { get; } = Metadata("ArtifactsPath");

    public static string Configuration { get; } = Metadata("Configuration");

    /// <summary>The folder that the solution's own Fake plugin was built to.</summary>
    public static string FakePlugin { get; } = Metadata("FakePlugin");

    /// <summary>Copies a folder with all that is in it.</summary>
    public static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, overwrite: true);
        }
    }

    private static string Metadata(string key) =>
        typeof(BuiltTree).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
