using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using NovaShim.Plugins.Tests;
using NovaShim.System.Tests;

namespace NovaShim.Faults;

/// <summary>Everything of a distributed installation, each part a process that can be killed, frozen and started again: two simulated XenServers, bus, store, API, scheduler, a compute process per host.</summary>
internal sealed class Installation : IAsyncDisposable
{
    public const string Api = "api";
    public const string Scheduler = "scheduler";
    public const string Bus = "nats";
    public const string Store = "mongodb";
    public const string Image = "4b8cf1c5-6f4e-4a4e-8a52-0c4c6cbd7a10";

    /// <summary>A network on which a copy takes a few seconds (bytes per second).</summary>
    public const string NetworkRate = "12000000";

    // In the order in which they are started.
    private static readonly string[] Parts = ["xen1", "xen2", Bus, Store, Api, Scheduler, "compute-xen1", "compute-xen2"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("novashim-faults-");
    private readonly Dictionary<string, BuiltProgram> _running = [];
    private readonly HashSet<string> _frozen = [];
    private readonly int _busPort = FreePort();
    private readonly int _storePort = FreePort();

    public static IReadOnlyList<string> Hosts { get; } = ["xen1", "xen2"];

    public NovaClient Nova { get; } = new();

    public static string ComputeOf(string host) => "compute-" + host;

    public string ReadyFile(string part) => Path.Combine(_folder.FullName, part + ".json");

    public string RootOf(string host) => Path.Combine(_folder.FullName, host);

    public JsonObject FactsOf(string host) => _running[host].Ready;

    /// <summary>What a part has said since it was started last.</summary>
    public string OutputOf(string part) => _running.TryGetValue(part, out var program) ? program.Output : "";

    public static async Task<Installation> StartAsync()
    {
        var all = new Installation();
        await RunAsync(BuiltProgram.Simulator, "image", "--size", "134217728", "--content", "50331648", "--out", Path.Combine(all._folder.FullName, "image.vhd"));
        foreach (var part in Parts)
        {
            await all.StartPartAsync(part);
        }

        await Eventually.Async(
            async () => (await all.Nova.SendAsync(HttpMethod.Get, "/v2.1/os-services?binary=nova-compute"))["services"]!.AsArray().Count(s => s!["state"]!.ToString() == "up") == 2,
            () => all.OutputOf("compute-xen1") + all.OutputOf("compute-xen2"));
        return all;
    }

    public async Task StartPartAsync(string part)
    {
        _running[part] = part switch
        {
            Bus => await BuiltProgram.StartUntilAsync("/usr/sbin/nats-server", () => Answers(_busPort), "--addr", "127.0.0.1", "--port", Text(_busPort)),
            Store => await BuiltProgram.StartAsync(
                "node", ReadyFile(Store), Path.Combine(BuiltTree.RepositoryRoot, "compat", "mongodb", "server.mjs"), "--port", Text(_storePort), "--data", _folder.CreateSubdirectory(Store).FullName),
            "xen1" or "xen2" => await BuiltProgram.StartAsync(
                BuiltProgram.Simulator, ReadyFile(part), "--name", part, "--root", RootOf(part), "--guest-write-rate", "131072", "--coalesce-delay", "2"),
            _ => await StartShimAsync(part),
        };
        if (part == Api)
        {
            Nova.Url = _running[Api].Ready["api_url"]!.ToString();
        }
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync(string part)
    {
        _frozen.Remove(part);
        if (_running.Remove(part, out var program))
        {
            await program.KillAsync();
            await program.DisposeAsync();
        }
    }

    /// <summary>SIGSTOP.</summary>
    public async Task FreezeAsync(string part)
    {
        _frozen.Add(part);
        await _running[part].SignalAsync("STOP");
    }

    /// <summary>SIGCONT to all that is frozen.</summary>
    public async Task ThawAsync()
    {
        foreach (var part in _frozen)
        {
            await _running[part].SignalAsync("CONT");
        }

        _frozen.Clear();
    }

    /// <summary>Starts what does not run, thaws what is frozen, and takes all faults away from the hosts.</summary>
    public async Task MendAsync()
    {
        await ThawAsync();
        foreach (var part in Parts.Where(p => !_running.ContainsKey(p)))
        {
            await StartPartAsync(part);
        }

        foreach (var host in Hosts)
        {
            await FaultAsync(host, "clear");
            await NetworkAsync(host, "heal");
        }
    }

    /// <summary>Makes a host misbehave: the simulator's own command.</summary>
    public Task FaultAsync(string host, params string[] fault) => RunAsync(BuiltProgram.Simulator, ["fault", "--root", RootOf(host), .. fault]);

    /// <summary>Cuts, slows or heals a host's network: the simulator's own command.</summary>
    public Task NetworkAsync(string host, params string[] change) => RunAsync(BuiltProgram.Simulator, ["network", "--root", RootOf(host), .. change]);

    public async ValueTask DisposeAsync()
    {
        await ThawAsync();
        foreach (var part in Parts.Reverse())
        {
            if (_running.Remove(part, out var program))
            {
                await program.DisposeAsync();
            }
        }

        Nova.Dispose();
        _folder.Delete(recursive: true);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        await using var ended = await BuiltProgram.RunAsync(program, arguments);
        Assert.True(ended.ExitCode == 0, ended.Output);
    }

    private async Task<BuiltProgram> StartShimAsync(string part)
    {
        var configuration = Path.Combine(_folder.FullName, part + ".conf.json");
        await File.WriteAllTextAsync(configuration, ConfigurationOf(part).ToJsonString());
        return await BuiltProgram.StartAsync(BuiltProgram.NovaShim, ReadyFile(part), "serve", "--role", part.Split('-')[0], "--config", configuration);
    }

    private JsonObject ConfigurationOf(string part)
    {
        var hosts = new JsonArray();
        foreach (var host in Hosts.Where(h => part == ComputeOf(h)))
        {
            var settings = FactsOf(host).DeepClone().AsObject();
            settings.Remove("name");
            settings.Remove("pid");
            settings["shutdown_timeout_seconds"] = 10;
            hosts.Add(new JsonObject { ["name"] = host, ["driver"] = "xenserver", ["settings"] = settings });
        }

        return new JsonObject
        {
            ["data"] = _folder.CreateSubdirectory("data-" + part).FullName,
            ["api"] = new JsonObject { ["urls"] = "http://127.0.0.1:0" },
            ["store"] = new JsonObject { ["mongodb"] = $"mongodb://127.0.0.1:{Text(_storePort)}" },
            ["bus"] = new JsonObject { ["url"] = $"nats://127.0.0.1:{Text(_busPort)}" },
            ["identity"] = new JsonObject { ["users"] = new JsonArray(new JsonObject { ["name"] = "operator", ["password"] = "secret", ["project"] = "operators", ["admin"] = true }) },
            ["images"] = new JsonArray(new JsonObject { ["id"] = Image, ["name"] = "journal", ["path"] = Path.Combine(_folder.FullName, "image.vhd") }),
            ["compute"] = new JsonObject
            {
                ["heartbeat_seconds"] = 1, ["service_down_seconds"] = 6, ["lease_seconds"] = 4, ["poll_seconds"] = 0.5, ["retry_seconds"] = 0.5, ["retry_seconds_max"] = 4,
            },
            ["hosts"] = hosts,
        };
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static bool Answers(int port)
    {
        using var client = new TcpClient();
        try
        {
            client.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
