using System.Diagnostics;

namespace NovaShim.XenServerSimulator.Tests;

/// <summary>A temporary folder, and what tests of the host below XenAPI do again and again.</summary>
internal sealed class HostFolder : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public string Path { get; } = Directory.CreateTempSubdirectory("host-").FullName;

    /// <summary>The simulator's own program, which builds beside the tests.</summary>
    public static string Program => System.IO.Path.Combine(AppContext.BaseDirectory, "xenserver-simulator");

    /// <summary>The verifier that shares no code with the project.</summary>
    public static string JournalScript
    {
        get
        {
            DirectoryInfo? folder = new(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "NovaShim.sln")))
            {
                folder = folder.Parent;
            }

            return System.IO.Path.Combine(folder!.FullName, "compat", "xenserver-simulator", "journal.py");
        }
    }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public static async Task UntilAsync(Func<bool> condition, string what) => await UntilAsync(() => Task.FromResult(condition()), what);

    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waited.Elapsed < Patience, $"waited in vain: {what}");
            await Task.Delay(20);
        }
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<(int Exit, string Out, string Error)> RunAsync(string program, params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    /// <summary>As <see cref="RunAsync"/>, for what must succeed.</summary>
    public static async Task<string> SucceedAsync(string program, params IEnumerable<string> arguments)
    {
        string[] all = [.. arguments];
        (int exit, string output, string error) = await RunAsync(program, all);
        Assert.True(exit == 0, $"{program} {string.Join(' ', all)}: exit {exit}: {output}{error}");
        return output;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
