using System.Diagnostics;
using System.Reflection;

namespace NovaShim.XenServer.Tests.Simulated;

/// <summary>The built xenserver-simulator, as a program beside the tests.</summary>
internal static class SimulatorProgram
{
    /// <summary>Starts it; the caller ends it.</summary>
    public static Process Start(params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Path) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    /// <summary>Runs it to its end and returns its output.</summary>
    public static async Task<string> RunAsync(params IEnumerable<string> arguments)
    {
        using var process = Start(arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"xenserver-simulator {string.Join(' ', arguments)} exited with {process.ExitCode}: {await output}{await error}");
    }

    // artifacts/bin/<tests>/<configuration>/: the simulator is built beside it.
    private static string Path { get; } = Find();

    private static string Find()
    {
        var own = new DirectoryInfo(System.IO.Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!);
        var path = System.IO.Path.Combine(own.Parent!.Parent!.FullName, "NovaShim.XenServerSimulator", own.Name, "xenserver-simulator");
        return File.Exists(path) ? path : throw new FileNotFoundException("The simulator is not built.", path);
    }
}
