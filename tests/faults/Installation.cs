using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using MongoDB.Driver;
using NovaShim.Faults.Wire;
using NovaShim.Plugins.Tests;
using NovaShim.System.Tests;

namespace NovaShim.Faults;

/// <summary>On whose behalf a part stands still.</summary>
[Flags]
internal enum Holder
{
    None = 0,

    /// <summary>The migration is to come to rest at a moment.</summary>
    Moment = 1,

    /// <summary>That is what goes wrong.</summary>
    Fault = 2,
}

/// <summary>Everything of a distributed installation, each part a process that can be killed, frozen and started again: two simulated XenServers, bus, store, API, scheduler, a compute process per host.</summary>
internal sealed class Installation : IAsyncDisposable
{
    public const string Api = "api";
    public const string Scheduler = "scheduler";
    public const string Bus = "nats";
    public const string Store = "mongodb";
    public const string Image = "4b8cf1c5-6f4e-4a4e-8a52-0c4c6cbd7a10";

    /// <summary>A network on which a copy takes a few seconds (bytes per second).</summary>
    public const string NetworkRate = "3000000";

    private const string ImageBytes = "50331648";
    private const string ContentBytes = "12582912";
    private const string JournalBytes = "16777216";

    // In the order in which they are started.
    private static readonly string[] Parts = ["xen1", "xen2", Bus, Store, Api, Scheduler, "compute-xen1", "compute-xen2"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("novashim-faults-");
    private readonly ConcurrentDictionary<string, BuiltProgram> _running = [];
    private readonly Dictionary<string, Holder> _frozen = [];
    private readonly Dictionary<string, string> _networks = [];
    private readonly Dictionary<string, RepositoryDisk> _disks = [];
    private readonly HttpClient _http = new();
    private readonly int _busPort = FreePort();
    private readonly int _storePort = FreePort();

    private Installation(bool impatient) => (Impatient, BusRelay, StoreRelay) = (impatient, new BusRelay(_busPort), new StoreRelay(_storePort));

    public static IReadOnlyList<string> Hosts { get; } = ["xen1", "xen2"];

    public NovaClient Nova { get; } = new();

    /// <summary>Whether a host soon counts as silent.</summary>
    public bool Impatient { get; }

    /// <summary>Between the program and nats-server.</summary>
    public BusRelay BusRelay { get; }

    /// <summary>Between the program and the document store.</summary>
    public StoreRelay StoreRelay { get; }

    /// <summary>The store itself, for whoever wants to see or to break what is in it.</summary>
    public IMongoDatabase Documents => field ??= new MongoClient($"mongodb://127.0.0.1:{Text(_storePort)}").GetDatabase("novashim");

    public static string ComputeOf(string host) => "compute-" + host;

    /// <summary>A second process for the same host, which runs only where a trial starts it.</summary>
    public static string StandInOf(string host) => ComputeOf(host) + "-standin";

    public int PidOf(string part) => _running[part].Pid;

    public string ReadyFile(string part) => Path.Combine(_folder.FullName, part + ".json");

    /// <summary>What a task, and what a call of a host may take.</summary>
    public const int PatienceSeconds = 20;

    /// <summary>After how many seconds an unattended resize confirms itself, for compute processes that are started from now on; 0: never.</summary>
    public double ConfirmWindow { get; set; }

    /// <summary>What a host's storage repository lies on.</summary>
    public RepositoryDisk DiskOf(string host) => _disks[host];

    public string RootOf(string host) => Path.Combine(_folder.FullName, host);

    public JsonObject FactsOf(string host) => _running[host].Ready;

    /// <summary>What a part has said since it was started last.</summary>
    public string OutputOf(string part) => _running.TryGetValue(part, out var program) ? program.Output : "";

    /// <param name="impatient">Whether a host soon counts as silent.</param>
    public static async Task<Installation> StartAsync(bool impatient)
    {
        var all = new Installation(impatient);
        try
        {
            await all.StartAllAsync();
            return all;
        }
        catch
        {
            await all.DisposeAsync();
            throw;
        }
    }

    private async Task StartAllAsync()
    {
        BusRelay.Start();
        StoreRelay.Start();
        await RunAsync(BuiltProgram.Simulator, "image", "--size", ImageBytes, "--content", ContentBytes, "--journal", JournalBytes, "--out", Path.Combine(_folder.FullName, "image.vhd"));
        foreach (var host in Hosts)
        {
            _disks[host] = await RepositoryDisk.MountAsync(Path.Combine(RootOf(host), "run", "sr-mount"));
        }

        foreach (var part in Parts)
        {
            await StartPartAsync(part);
        }

        await Eventually.Async(
            async () => (await Nova.SendAsync(HttpMethod.Get, "/v2.1/os-services?binary=nova-compute"))["services"]!.AsArray().Count(s => s!["state"]!.ToString() == "up") == 2,
            () => OutputOf("compute-xen1") + OutputOf("compute-xen2"));
    }

    public async Task StartPartAsync(string part)
    {
        _running[part] = part switch
        {
            Bus => await BuiltProgram.StartUntilAsync("/usr/sbin/nats-server", () => Answers(_busPort), "--addr", "127.0.0.1", "--port", Text(_busPort)),
            Store => await BuiltProgram.StartAsync(
                "node", ReadyFile(Store), Path.Combine(BuiltTree.RepositoryRoot, "compat", "mongodb", "server.mjs"), "--port", Text(_storePort), "--data", _folder.CreateSubdirectory(Store).FullName),
            "xen1" or "xen2" => await BuiltProgram.StartAsync(
                BuiltProgram.Simulator, ReadyFile(part), "--name", part, "--root", RootOf(part), "--guest-write-rate", "131072", "--coalesce-delay", "0.5"),
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
        if (_running.TryRemove(part, out var program))
        {
            await program.KillAsync();
            await program.DisposeAsync();
        }
    }

    /// <summary>SIGSTOP, until whoever asked for it thaws it; a part may be held by both.</summary>
    public async Task FreezeAsync(string part, Holder by)
    {
        _frozen[part] = _frozen.GetValueOrDefault(part) | by;
        await _running[part].SignalAsync("STOP");
    }

    /// <summary>SIGCONT to all that nobody else holds.</summary>
    public async Task ThawAsync(Holder by)
    {
        foreach (var (part, holders) in _frozen.ToList())
        {
            if ((_frozen[part] = holders & ~by) == Holder.None)
            {
                _frozen.Remove(part);
                await _running[part].SignalAsync("CONT");
            }
        }
    }

    /// <summary>Ends what holds a migration at its moment: thaws what the moment froze, lets go of held writes, ends the hosts' faults and heals their network.</summary>
    /// <param name="butWrites">What is on its way to the store stays there until all is mended; what is sent from now on passes.</param>
    public async Task ReleaseAsync(bool butWrites)
    {
        await ThawAsync(Holder.Moment);
        if (butWrites)
        {
            StoreRelay.HoldNoMore();
        }
        else
        {
            StoreRelay.Release();
        }

        foreach (var host in Hosts)
        {
            await FaultAsync(host, "clear");
            await NetworkAsync(host, "heal");
        }
    }

    /// <summary>Starts what does not run, thaws what is frozen, and takes all faults away.</summary>
    public async Task MendAsync()
    {
        await ThawAsync(Holder.Moment | Holder.Fault);
        await Task.WhenAll(Parts.Where(p => !_running.ContainsKey(p)).ToList().Select(StartPartAsync));
        StoreRelay.Release();
        foreach (var host in Hosts)
        {
            await DiskOf(host).EmptyAsync();
            await FaultAsync(host, "clear");
            await NetworkAsync(host, "heal");
        }
    }

    /// <summary>As good as new, for the next trial: nothing runs that is not one of the parts, nothing is disturbed.</summary>
    public async Task TidyAsync()
    {
        foreach (var host in Hosts)
        {
            await KillAsync(StandInOf(host));
        }

        StoreRelay.Keep();
        BusRelay.Calm();
        await MendAsync();
    }

    /// <summary>What has been done to the hosts through XenAPI since they were started, by whomever: their own records, without what only reads.</summary>
    public Task<IReadOnlyList<string>> DeedsAsync() =>
        Task.FromResult<IReadOnlyList<string>>([.. Hosts.SelectMany(host => OutputOf(host).Split('\n').Where(line => line.Contains("Deed: ", StringComparison.Ordinal)).Select(line => $"{host}: {line}"))]);

    /// <summary>Waits until a host's compute process has been heard of twice from now on.</summary>
    public async Task UntilBeatsAsync(string host)
    {
        for (var beats = 0; beats < 2; beats++)
        {
            var before = await LastSeenAsync(host);
            await Eventually.Async(async () => await LastSeenAsync(host) != before, () => $"the nova-compute of {host} is not heard of:\n{OutputOf(ComputeOf(host))}", TimeSpan.FromMinutes(3));
        }
    }

    /// <summary>Makes a host misbehave: what the simulator's command <c>fault</c> takes, such as <c>hang VM.start_on</c>.</summary>
    public async Task FaultAsync(string host, params string[] fault)
    {
        JsonObject? request = fault switch
        {
            [var kind] => new JsonObject { ["kind"] = kind },
            ["hang", var method] => new JsonObject { ["kind"] = "hang", ["method"] = method },
            ["refuse" or "session-lifetime" or "conflict-wait", var seconds] => new JsonObject { ["kind"] = fault[0], ["seconds"] = double.Parse(seconds, CultureInfo.InvariantCulture) },
            _ => null,
        };

        // A process of its own takes a second, and there are many of them in a trial: what is simple is said directly.
        if (request is null)
        {
            await RunAsync(BuiltProgram.Simulator, ["fault", "--root", RootOf(host), .. fault]);
            return;
        }

        // One that refuses connections just now is asked until it listens.
        HttpStatusCode? status = null;
        await Eventually.Async(
            async () =>
            {
                try
                {
                    using var answer = await _http.PostAsJsonAsync(new Uri($"{FactsOf(host)["url"]}/simulator/faults"), request);
                    status = answer.StatusCode;
                    return true;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            () => $"{host} does not take the fault {request}",
            TimeSpan.FromMinutes(3));
        Assert.Equal(HttpStatusCode.NoContent, status);
    }

    /// <summary>Cuts, slows or heals a host's network: what the simulator's command <c>network</c> takes, such as <c>cut --all</c>.</summary>
    public async Task NetworkAsync(string host, params string[] change)
    {
        // As above: a network that is whole needs no healing.
        var now = string.Join(' ', change);
        if (_networks.GetValueOrDefault(host, "heal") != now)
        {
            await RunAsync(BuiltProgram.Simulator, ["network", "--root", RootOf(host), .. change]);
            _networks[host] = now;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ThawAsync(Holder.Moment | Holder.Fault);
        foreach (var part in Parts.Reverse().Concat(Hosts.Select(StandInOf)).ToList())
        {
            if (_running.TryRemove(part, out var program))
            {
                await program.DisposeAsync();
            }
        }

        foreach (var disk in _disks.Values)
        {
            await disk.DisposeAsync();
        }

        await BusRelay.DisposeAsync();
        await StoreRelay.DisposeAsync();
        Nova.Dispose();
        _http.Dispose();
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

    private async Task<string> LastSeenAsync(string host) =>
        (await Nova.SendAsync(HttpMethod.Get, $"/v2.1/os-services?binary=nova-compute&host={host}"))["services"]![0]!["updated_at"]!.ToString();

    private JsonObject ConfigurationOf(string part)
    {
        var hosts = new JsonArray();
        foreach (var host in Hosts.Where(h => part == ComputeOf(h) || part == StandInOf(h)))
        {
            var settings = FactsOf(host).DeepClone().AsObject();
            settings.Remove("name");
            settings.Remove("pid");
            settings["shutdown_timeout_seconds"] = 10;
            settings["task_timeout_seconds"] = PatienceSeconds;
            settings["command_timeout_seconds"] = PatienceSeconds;
            hosts.Add(new JsonObject { ["name"] = host, ["driver"] = "xenserver", ["settings"] = settings });
        }

        return new JsonObject
        {
            ["data"] = _folder.CreateSubdirectory("data-" + part).FullName,
            ["api"] = new JsonObject { ["urls"] = "http://127.0.0.1:0" },
            ["store"] = new JsonObject { ["mongodb"] = $"mongodb://127.0.0.1:{Text(StoreRelay.Port)}" },
            ["bus"] = new JsonObject { ["url"] = $"nats://127.0.0.1:{Text(BusRelay.Port)}" },
            ["identity"] = new JsonObject { ["users"] = new JsonArray(new JsonObject { ["name"] = "operator", ["password"] = "secret", ["project"] = "operators", ["admin"] = true }) },
            ["images"] = new JsonArray(new JsonObject { ["id"] = Image, ["name"] = "journal", ["path"] = Path.Combine(_folder.FullName, "image.vhd") }),
            ["compute"] = new JsonObject
            {
                ["heartbeat_seconds"] = 1, ["service_down_seconds"] = Impatient ? 15 : 600, ["lease_seconds"] = 6, ["poll_seconds"] = 0.5, ["retry_seconds"] = 0.5, ["retry_seconds_max"] = 4,
                ["resize_confirm_window"] = ConfirmWindow,
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
