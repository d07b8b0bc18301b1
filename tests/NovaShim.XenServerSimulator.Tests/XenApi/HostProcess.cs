using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;

namespace NovaShim.XenServerSimulator.Tests.XenApi;

/// <summary>The built program, running as one host on a root of its own.</summary>
public sealed class HostProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly bool _ownsRoot;
    private readonly Process _process;
    private readonly StringWriter _output = new();

    private HostProcess(string root, bool ownsRoot, Process process) => (Root, _ownsRoot, _process) = (root, ownsRoot, process);

    public string Root { get; }

    public JsonElement Ready { get; private set; }

    public string Url => Ready.GetProperty("url").GetString()!;

    public string Password => Ready.GetProperty("password").GetString()!;

    public string SrPath => Ready.GetProperty("sr_path").GetString()!;

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

    public static async Task<HostProcess> StartAsync(string? root = null, params string[] more)
    {
        bool ownsRoot = root is null;
        root ??= Directory.CreateTempSubdirectory("xenserver-").FullName;
        string ready = Path.Combine(root, "ready.json");
        File.Delete(ready);
        ProcessStartInfo start = Command(["--name", "xen1", "--root", root, "--ready", ready, .. more.Contains("--coalesce-delay") ? more : ["--coalesce-delay", "600", .. more]]);
        Process process = new() { StartInfo = start };
        HostProcess host = new(root, ownsRoot, process);
        process.OutputDataReceived += (_, line) => host.Log(line.Data);
        process.ErrorDataReceived += (_, line) => host.Log(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await Poll.UntilAsync(() => File.Exists(ready) || process.HasExited, "the host is ready", Patience);
        Assert.True(File.Exists(ready), host.Output);
        host.Ready = JsonSerializer.Deserialize<JsonElement>(await File.ReadAllTextAsync(ready));
        return host;
    }

    /// <summary>Runs the program to its end and returns its exit code and everything it wrote.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        using Process process = Process.Start(Command(arguments))!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Patience);
        return (process.ExitCode, await output + await error);
    }

    public async Task<XenClient> LoginAsync()
    {
        XenClient client = new(Url);
        await client.LoginAsync("root", Password);
        return client;
    }

    public async Task FaultAsync(object request)
    {
        using HttpClient client = new();
        using HttpResponseMessage response = await client.PostAsJsonAsync($"{Url}/simulator/faults", request);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>SIGTERM, and waits for the end.</summary>
    public async Task<int> TerminateAsync()
    {
        if (!_process.HasExited)
        {
            using Process kill = Process.Start("/bin/kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync();
        }

        await _process.WaitForExitAsync().WaitAsync(Patience);
        return _process.ExitCode;
    }

    /// <summary>SIGKILL: no goodbyes.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(Patience);
    }

    public async ValueTask DisposeAsync()
    {
        await TerminateAsync();
        _process.Dispose();
        if (_ownsRoot)
        {
            Directory.Delete(Root, recursive: true);
        }
    }

    private static ProcessStartInfo Command(IEnumerable<string> arguments) => new(
        Path.Combine(AppContext.BaseDirectory, "xenserver-simulator"), arguments)
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };

    private void Log(string? line)
    {
        lock (_output)
        {
            _output.WriteLine(line);
        }
    }
}

internal static class Poll
{
    public static Task UntilAsync(Func<bool> condition, string what, TimeSpan? patience = null) =>
        UntilAsync(() => Task.FromResult(condition()), what, patience);

    public static async Task UntilAsync(Func<Task<bool>> condition, string what, TimeSpan? patience = null)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(clock.Elapsed < (patience ?? TimeSpan.FromSeconds(30)), $"In {clock.Elapsed} it did not come to pass that {what}.");
            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
    }
}
