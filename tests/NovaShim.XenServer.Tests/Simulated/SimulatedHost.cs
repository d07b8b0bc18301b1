using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using NovaShim.Sdk;

namespace NovaShim.XenServer.Tests.Simulated;

/// <summary>One simulated XenServer in a process of its own, with what a test asks of it and does to it.</summary>
internal sealed class SimulatedHost : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly HttpClient _http = new();
    private readonly StringBuilder _log = new();
    private readonly List<VirtDriver> _drivers = [];
    private string? _session;

    private SimulatedHost(string name, string root, Process process)
    {
        (Name, Root, _process) = (name, root, process);
        process.OutputDataReceived += (_, e) => Append(e.Data);
        process.ErrorDataReceived += (_, e) => Append(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Name { get; }

    public string Root { get; }

    /// <summary>The ready file: also the driver's settings.</summary>
    public Dictionary<string, string> Ready { get; private set; } = [];

    public string SrPath => Ready["sr_path"];

    public static async Task<SimulatedHost> StartAsync(string folder, string name, params IEnumerable<string> options)
    {
        var root = Path.Combine(folder, name);
        var ready = Path.Combine(folder, name + ".json");
        var host = new SimulatedHost(name, root, SimulatorProgram.Start(["--name", name, "--root", root, "--ready", ready, .. options]));
        await Wait.UntilAsync(() => File.Exists(ready) || host._process.HasExited, $"{name} is ready", StartLimit);
        Assert.False(host._process.HasExited, $"{name} did not start: {host._log}");
        host.Ready = JsonNode.Parse(await File.ReadAllTextAsync(ready))!.AsObject().ToDictionary(p => p.Key, p => p.Value!.ToString());
        return host;
    }

    /// <summary>A driver of this host, as another process would have one.</summary>
    public VirtDriver Driver(ILoggerFactory logs, params (string Key, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(Ready.Select(p => KeyValuePair.Create(p.Key, (string?)p.Value)))
            .AddInMemoryCollection(settings.Select(p => KeyValuePair.Create(p.Key, (string?)p.Value)))
            .Build();
        var driver = new XenServerComputeManager(new ComputeHost(Name, configuration, logs, TimeProvider.System)).Driver;
        _drivers.Add(driver);
        return driver;
    }

    /// <summary>Calls XenAPI past the driver: an operator's hand, and the tests' eye.</summary>
    public async Task<JsonNode?> CallAsync(string method, params JsonNode?[] parameters)
    {
        _session ??= (await PostAsync("session.login_with_password", [Ready["username"], Ready["password"], "1.1", "test"]))!.GetValue<string>();
        return await PostAsync(method, [_session, .. parameters]);
    }

    /// <summary>The records of a class by reference, base copies and templates included.</summary>
    public async Task<Dictionary<string, JsonNode>> RecordsAsync(string type) =>
        (await CallAsync(type + ".get_all_records"))!.AsObject().ToDictionary(p => p.Key, p => p.Value!);

    /// <summary>The VMs that are somebody's: no control domain, no template.</summary>
    public async Task<Dictionary<string, JsonNode>> VmsAsync() =>
        (await RecordsAsync("VM")).Where(v => !v.Value["is_control_domain"]!.GetValue<bool>() && !v.Value["is_a_template"]!.GetValue<bool>()).ToDictionary();

    /// <summary>The server's VM: its reference and record.</summary>
    public async Task<(string Reference, JsonNode Record)> VmAsync(Instance instance)
    {
        var vm = Assert.Single(await VmsAsync(), v => v.Value["other_config"]!["nova_uuid"]?.GetValue<string>() == instance.Uuid);
        return (vm.Key, vm.Value);
    }

    /// <summary>Names of the VHD files in the storage repository.</summary>
    public IReadOnlyList<string> VhdFiles() => [.. Directory.GetFiles(SrPath, "*.vhd").Select(f => Path.GetFileName(f)).Order()];

    /// <summary>The file the first disk of the server's VM writes to.</summary>
    public async Task<string> LeafAsync(Instance instance) => await LeafAsync((await VmAsync(instance)).Record);

    /// <summary>The file a VM's first disk writes to.</summary>
    public async Task<string> LeafAsync(JsonNode vm)
    {
        foreach (var vbd in vm["VBDs"]!.AsArray())
        {
            var record = (await CallAsync("VBD.get_record", vbd!.GetValue<string>()))!;
            if (record["userdevice"]!.GetValue<string>() == "0")
            {
                var vdi = (await CallAsync("VDI.get_record", record["VDI"]!.GetValue<string>()))!;
                return Path.Combine(SrPath, vdi["uuid"]!.GetValue<string>() + ".vhd");
            }
        }

        throw new InvalidOperationException("The VM has no first disk.");
    }

    /// <summary>What a migration must not leave behind.</summary>
    public IReadOnlyList<string> Leftovers()
    {
        var found = new List<string>();
        found.AddRange(Directory.GetDirectories(SrPath, "novashim-*"));
        foreach (var file in Directory.EnumerateFiles(Root, "authorized_keys*", SearchOption.AllDirectories))
        {
            found.AddRange(File.ReadLines(file).Where(l => l.Contains("novashim:", StringComparison.Ordinal)));
        }

        found.AddRange(Directory.EnumerateDirectories(Root, ".novashim", SearchOption.AllDirectories));
        return found;
    }

    /// <summary>Makes the host misbehave.</summary>
    public async Task FaultAsync(object fault)
    {
        using var response = await _http.PostAsJsonAsync($"{Ready["url"]}/simulator/faults", fault);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>The next call of a message fails, before or after its work.</summary>
    public Task FailAsync(string method, bool after, params string[] error) => FaultAsync(new { kind = "fail", method, error, after });

    /// <summary>Whether a fault still waits for its call.</summary>
    public async Task<bool> HasFaultsAsync() => JsonNode.Parse(await _http.GetStringAsync($"{Ready["url"]}/simulator/faults"))!.AsArray().Count > 0;

    /// <summary>The disks that are somebody's: no base copies.</summary>
    public async Task<Dictionary<string, JsonNode>> DisksAsync() => (await RecordsAsync("VDI")).Where(v => v.Value["managed"]!.GetValue<bool>()).ToDictionary();

    /// <summary>The power goes: no goodbye. What it had started ends with the next start on its root.</summary>
    public void Kill()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var driver in _drivers)
        {
            await driver.DisposeAsync();
        }

        _http.Dispose();
        if (!_process.HasExited)
        {
            using var kill = Process.Start("/bin/kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }

        _process.Dispose();
    }

    public override string ToString()
    {
        lock (_log)
        {
            return _log.ToString();
        }
    }

    private async Task<JsonNode?> PostAsync(string method, JsonNode?[] parameters)
    {
        var body = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = method, ["params"] = new JsonArray([.. parameters.Select(p => p?.DeepClone())]) };
        using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using var response = await _http.PostAsync(Ready["url"] + "/jsonrpc", content);
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        return answer["error"] is { } error ? throw new InvalidOperationException($"{method}: {error.ToJsonString(JsonSerializerOptions.Default)}") : answer["result"];
    }

    private void Append(string? line)
    {
        lock (_log)
        {
            _log.AppendLine(line);
        }
    }
}
