using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using NovaShim.Plugins.Tests;

namespace NovaShim.System.Tests;

/// <summary>A program of this build, run as a user would: started, waited for by its ready file, ended by a signal.</summary>
internal sealed class BuiltProgram : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private BuiltProgram(Process process) => _process = process;

    public static string NovaShim { get; } = Built("NovaShim", "novashim");

    public static string Simulator { get; } = Built("NovaShim.XenServerSimulator", "xenserver-simulator");

    public int ExitCode => _process.ExitCode;

    public int Pid => _process.Id;

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>What the ready file says.</summary>
    public JsonObject Ready { get; private set; } = [];

    /// <summary>Starts a program and waits until its ready file is there.</summary>
    public static async Task<BuiltProgram> StartAsync(string file, string ready, params string[] arguments)
    {
        File.Delete(ready);
        var program = await StartUntilAsync(file, () => File.Exists(ready), [.. arguments, "--ready", ready]);
        program.Ready = JsonNode.Parse(await File.ReadAllTextAsync(ready))!.AsObject();
        return program;
    }

    /// <summary>Starts a program and waits until the condition says that it can be used.</summary>
    public static async Task<BuiltProgram> StartUntilAsync(string file, Func<bool> ready, params string[] arguments)
    {
        var program = Launch(file, arguments);
        await Eventually.Async(() => ready() || program._process.HasExited, () => $"{Path.GetFileName(file)} is not ready:\n{program.Output}", Deadline);
        Assert.True(ready(), program.Output);
        return program;
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<BuiltProgram> RunAsync(string file, params string[] arguments)
    {
        var program = Launch(file, arguments);
        using var deadline = new CancellationTokenSource(Deadline);
        await program._process.WaitForExitAsync(deadline.Token);
        program._process.WaitForExit();
        return program;
    }

    /// <summary>SIGKILL: the process dies where it stands.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Sends a signal, e.g. <c>STOP</c>.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", ["-" + signal, Pid.ToString(global::System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>SIGTERM, and waits for the end.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await SignalAsync("TERM");
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            try
            {
                await _process.WaitForExitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill();
                Assert.Fail($"it did not end when told to:\n{Output}");
            }
        }

        _process.Dispose();
    }

    private static BuiltProgram Launch(string file, string[] arguments)
    {
        var process = new Process { StartInfo = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false } };
        var program = new BuiltProgram(process);
        void Keep(object sender, DataReceivedEventArgs e)
        {
            lock (program._output)
            {
                program._output.AppendLine(e.Data);
            }
        }

        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return program;
    }

    private static string Built(string project, string program) => Path.Combine(BuiltTree.ArtifactsPath, "bin", project, BuiltTree.Configuration.ToLowerInvariant(), program);
}
