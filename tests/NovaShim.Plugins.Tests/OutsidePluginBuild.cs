using System.Diagnostics;

namespace NovaShim.Plugins.Tests;

/// <summary>Packs the Sdk into a feed of its own and builds the outside plugin from it, once for all tests.</summary>
public sealed class OutsidePluginBuild : IAsyncLifetime
{
    private readonly DirectoryInfo _temp = Directory.CreateTempSubdirectory("novashim-outside-");

    public string Output => Path.Combine(_temp.FullName, "out");

    public string Package => Directory.GetFiles(Feed, "*.nupkg").Single();

    private string Feed => Path.Combine(_temp.FullName, "feed");

    public async Task InitializeAsync()
    {
        // A version that no cache of packages has ever seen, and a cache that goes with the test; what is in the user's cache already is taken from there.
        var version = $"0.1.0-test{Environment.ProcessId}";
        var source = Path.Combine(_temp.FullName, "source");
        BuiltTree.Copy(Path.Combine(BuiltTree.RepositoryRoot, "tests", "OutsidePlugin"), source);
        var cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        await DotnetAsync(BuiltTree.RepositoryRoot, "pack", "src/NovaShim.Sdk", "-c", BuiltTree.Configuration, "--no-build", "-o", Feed, $"-p:PackageVersion={version}", $"-p:ArtifactsPath={BuiltTree.ArtifactsPath}");
        await DotnetAsync(
            source, "build", "-c", "Release", "-o", Output, "--disable-build-servers", $"-p:NovaShimSdkVersion={version}", $"-p:RestoreAdditionalProjectSources={Feed}",
            $"-p:RestorePackagesPath={Path.Combine(_temp.FullName, "packages")}", $"-p:RestoreFallbackFolders={cache}");
    }

    public Task DisposeAsync()
    {
        _temp.Delete(recursive: true);
        return Task.CompletedTask;
    }

    private static async Task DotnetAsync(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        // What the test's own runner has set for itself would have this build use its folders.
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            start.Environment.Remove(name);
        }

        using var process = Process.Start(start)!;
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
        }

        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}\n{string.Concat(await output)}");
    }
}
