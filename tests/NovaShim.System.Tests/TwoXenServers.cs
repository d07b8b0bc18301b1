using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using NovaShim.Plugins.Tests;

namespace NovaShim.System.Tests;

/// <summary>Two simulated XenServers, an image, and the settings of a shim that drives them; all in one temporary folder.</summary>
internal sealed class TwoXenServers : IAsyncDisposable
{
    public const string Image = "4b8cf1c5-6f4e-4a4e-8a52-0c4c6cbd7a10";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("novashim-system-");
    private readonly List<BuiltProgram> _hosts = [];

    public string Folder => _folder.FullName;

    public string Configuration => Path.Combine(Folder, "novashim.json");

    public static async Task<TwoXenServers> StartAsync()
    {
        var two = new TwoXenServers();
        var image = Path.Combine(two.Folder, "image.vhd");
        var made = await BuiltProgram.RunAsync(BuiltProgram.Simulator, "image", "--size", "134217728", "--content", "50331648", "--out", image);
        Assert.True(made.ExitCode == 0, made.Output);
        var hosts = new JsonArray();
        foreach (var name in new[] { "xen1", "xen2" })
        {
            var host = await BuiltProgram.StartAsync(
                BuiltProgram.Simulator, Path.Combine(two.Folder, name + ".json"), "--name", name, "--root", Path.Combine(two.Folder, name), "--guest-write-rate", "131072", "--coalesce-delay", "3");
            two._hosts.Add(host);
            var settings = host.Ready.DeepClone().AsObject();
            settings.Remove("name");
            settings.Remove("pid");
            hosts.Add(new JsonObject { ["name"] = name, ["driver"] = "xenserver", ["settings"] = settings });
        }

        var configuration = new JsonObject
        {
            ["data"] = Path.Combine(two.Folder, "data"),
            ["api"] = new JsonObject { ["urls"] = "http://127.0.0.1:0" },
            ["identity"] = new JsonObject { ["users"] = new JsonArray(new JsonObject { ["name"] = "operator", ["password"] = "secret", ["project"] = "operators", ["admin"] = true }) },
            ["images"] = new JsonArray(new JsonObject { ["id"] = Image, ["name"] = "journal", ["path"] = image }),
            ["compute"] = new JsonObject { ["heartbeat_seconds"] = 1, ["poll_seconds"] = 0.5, ["retry_seconds"] = 0.5 },
            ["hosts"] = hosts,
        };
        await File.WriteAllTextAsync(two.Configuration, configuration.ToJsonString());
        return two;
    }

    /// <summary>What the simulators' ready files say.</summary>
    public IEnumerable<JsonObject> Facts => _hosts.Select(h => h.Ready);

    /// <summary>What the simulators have said.</summary>
    public string Output => string.Concat(_hosts.Select(h => h.Output));

    /// <summary>Starts the shim, all roles in one process.</summary>
    /// <param name="settings">More settings, each <c>key=value</c>.</param>
    public Task<BuiltProgram> StartShimAsync(params string[] settings) =>
        BuiltProgram.StartAsync(BuiltProgram.NovaShim, Path.Combine(Folder, "ready.json"), ["serve", "--config", Configuration, .. settings.SelectMany(s => new[] { "--set", s })]);

    /// <summary>Holds both hosts to what they should have (compat/check_hosts.py); fails with what it says.</summary>
    public async Task CheckAsync(string server, string running, params string[] more)
    {
        var arguments = new[] { Path.Combine(BuiltTree.RepositoryRoot, "compat", "check_hosts.py"), "--server", server, "--running", running }
            .Concat(more).Append(Path.Combine(Folder, "xen1.json")).Append(Path.Combine(Folder, "xen2.json"));
        using var check = Process.Start(new ProcessStartInfo("/usr/bin/python3", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = check.StandardOutput.ReadToEndAsync();
        var complaint = await check.StandardError.ReadToEndAsync();
        await check.WaitForExitAsync();
        Assert.True(check.ExitCode == 0, await said + complaint);
    }

    /// <summary>The file of a disk of the server's VM on a host, and whether the guest may write to it (<c>RW</c> or <c>RO</c>).</summary>
    /// <param name="host">Its name.</param>
    /// <param name="server">Nova's id.</param>
    /// <param name="place">The disk's <c>userdevice</c>.</param>
    public async Task<(string File, string Mode)> DiskAsync(string host, string server, string place)
    {
        var facts = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Folder, host + ".json")))!;
        using var http = new HttpClient();
        async Task<JsonObject> RecordsAsync(string type, string session) => (await CallAsync(type + ".get_all_records", session)).AsObject();
        async Task<JsonNode> CallAsync(string method, params string[] parameters)
        {
            var request = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = method, ["params"] = new JsonArray([.. parameters.Select(p => (JsonNode)p)]) };
            using var answer = await http.PostAsJsonAsync(new Uri(facts["url"]!.ToString().TrimEnd('/') + "/jsonrpc"), request);
            return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["result"]!;
        }

        var session = (await CallAsync("session.login_with_password", facts["username"]!.ToString(), facts["password"]!.ToString(), "1.1", "disk")).ToString();
        var vm = (await RecordsAsync("VM", session)).Single(v => v.Value!["other_config"]!["nova_uuid"]?.ToString() == server && !v.Value["is_a_snapshot"]!.GetValue<bool>()).Key;
        var device = (await RecordsAsync("VBD", session)).Select(v => v.Value!).Single(v => v["VM"]!.ToString() == vm && v["userdevice"]!.ToString() == place);
        var disk = (await RecordsAsync("VDI", session))[device["VDI"]!.ToString()]!["uuid"]!.ToString();
        return (Path.Combine(facts["sr_path"]!.ToString(), disk + ".vhd"), device["mode"]!.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }
}
