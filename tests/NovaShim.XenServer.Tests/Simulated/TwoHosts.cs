using Microsoft.Extensions.Logging;
using NovaShim.Sdk;

namespace NovaShim.XenServer.Tests.Simulated;

/// <summary>Two simulated hosts, a driver for each, and an image: what a migration's test starts from.</summary>
internal sealed class TwoHosts : IAsyncDisposable
{
    public const long ImageContent = 6 << 20;
    public const long ImageSize = 64 << 20;

    private readonly DirectoryInfo _folder;
    private readonly RecordedLogs _recorded = new();
    private readonly ILoggerFactory _logs;
    private int _servers;

    private TwoHosts(DirectoryInfo folder)
    {
        _folder = folder;
        _logs = LoggerFactory.Create(b => b.SetMinimumLevel(LogLevel.Trace).AddProvider(_recorded));
    }

    public SimulatedHost Source { get; private set; } = null!;

    public SimulatedHost Destination { get; private set; } = null!;

    public VirtDriver SourceDriver { get; private set; } = null!;

    public VirtDriver DestinationDriver { get; private set; } = null!;

    public string Folder => _folder.FullName;

    public string ImageFile => Path.Combine(Folder, "image.vhd");

    /// <summary>Everything the drivers logged, at every level.</summary>
    public string Log => _recorded.Text;

    public static Flavor Small { get; } = new() { Id = 1, FlavorId = "1", Name = "m1.tiny", MemoryMb = 256, Vcpus = 1, RootGb = 0 };

    public static Flavor Large { get; } = new() { Id = 2, FlavorId = "2", Name = "m1.small", MemoryMb = 512, Vcpus = 2, RootGb = 1 };

    /// <param name="settings">Settings of both drivers.</param>
    /// <param name="options">Options of both simulators.</param>
    public static async Task<TwoHosts> StartAsync((string Key, string Value)[]? settings = null, params string[] options)
    {
        var hosts = new TwoHosts(Directory.CreateTempSubdirectory("novashim-xenserver-"));
        try
        {
            var tuning = (settings ?? []).Append(("shutdown_timeout_seconds", "20")).DistinctBy(s => s.Item1).ToArray();
            var image = SimulatorProgram.RunAsync("image", "--size", $"{ImageSize}", "--content", $"{ImageContent}", "--out", hosts.ImageFile);
            var first = SimulatedHost.StartAsync(hosts.Folder, "xen1", options);
            var second = SimulatedHost.StartAsync(hosts.Folder, "xen2", options);
            await image;
            hosts.Source = await first;
            hosts.Destination = await second;
            hosts.SourceDriver = hosts.Source.Driver(hosts._logs, tuning);
            hosts.DestinationDriver = hosts.Destination.Driver(hosts._logs, tuning);
            await hosts.SourceDriver.InitHostAsync(CancellationToken.None);
            await hosts.DestinationDriver.InitHostAsync(CancellationToken.None);
            return hosts;
        }
        catch
        {
            await hosts.DisposeAsync();
            throw;
        }
    }

    /// <summary>The destination comes up again after it was killed, on new ports perhaps: its driver is made anew, as configured now.</summary>
    public async Task RestartDestinationAsync()
    {
        await Destination.DisposeAsync();
        File.Delete(Path.Combine(Folder, "xen2.json"));
        Destination = await SimulatedHost.StartAsync(Folder, "xen2");
        DestinationDriver = Destination.Driver(_logs);
    }

    /// <summary>Another driver of a host, as a second process would have one.</summary>
    public VirtDriver AnotherDriver(SimulatedHost host, params (string Key, string Value)[] settings) => host.Driver(_logs, settings);

    /// <summary>Builds a server on the source and waits until its guest has written something.</summary>
    public async Task<Instance> SpawnAsync(string displayName = "web", Flavor? flavor = null)
    {
        var instance = NewInstance(displayName, flavor);
        await SourceDriver.SpawnAsync(Step(instance, withImage: true), CancellationToken.None);
        await WriteAsync(instance);
        return instance;
    }

    public Instance NewInstance(string displayName = "web", Flavor? flavor = null) => new()
    {
        Uuid = Guid.NewGuid().ToString(), Name = $"instance-{++_servers:x8}", DisplayName = displayName, ProjectId = "p", UserId = "u", Flavor = flavor ?? Small,
    };

    public TestInstanceStep Step(Instance instance, bool withImage = false, string request = "req-test") => withImage ? StepFrom(instance, ImageFile, request) : new() { Instance = instance, RequestId = request };

    /// <summary>A step with a VHD file as its image.</summary>
    public static TestInstanceStep StepFrom(Instance instance, string file, string request = "req-test") => new()
    {
        Instance = instance,
        RequestId = request,
        Image = new Image
        {
            Id = "8d1ac3a1-6a4b-4a55-8b6b-3a2f5d1e0c11", Name = "image", DiskFormat = "vhd", Size = new FileInfo(file).Length, OpenRead = _ => Task.FromResult<Stream>(File.OpenRead(file)),
        },
    };

    /// <summary>Waits until the guest has written into its leaf since now.</summary>
    public async Task WriteAsync(Instance instance)
    {
        var leaf = await Source.LeafAsync(instance);
        var before = File.GetLastWriteTimeUtc(leaf);
        await Wait.UntilAsync(() => File.GetLastWriteTimeUtc(leaf) > before, "the guest writes");
    }

    /// <summary>A migration of the server between the two, as the control plane would run it.</summary>
    public Run Migration(Instance instance, Flavor? flavor = null, bool powerOn = true) => new(this, new Migration
    {
        Uuid = Guid.NewGuid().ToString(), InstanceUuid = instance.Uuid, SourceCompute = Source.Name, DestCompute = Destination.Name,
        OldFlavor = instance.Flavor, NewFlavor = flavor ?? Large, PowerOn = powerOn,
    }, instance);

    /// <summary>Shuts a server's guest down, past the driver.</summary>
    public static async Task StopAsync(SimulatedHost host, Instance instance) => await host.CallAsync("VM.clean_shutdown", (await host.VmAsync(instance)).Reference);

    /// <summary>Proves that nothing the guest wrote is missing on the disk it has on a host; the VM must be stopped.</summary>
    public static async Task<string> ProveJournalAsync(string leaf)
    {
        // The storage repository merges a chain some time after a snapshot has gone: what was read meanwhile says nothing, what was read while no file changed does.
        while (true)
        {
            var before = Files();
            try
            {
                return await SimulatorProgram.RunAsync("journal", "--vhd", leaf);
            }
            catch (InvalidOperationException) when (Files() != before)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500));
            }
        }

        string Files() => string.Join('\n', new DirectoryInfo(Path.GetDirectoryName(leaf)!).EnumerateFiles("*.vhd").Select(f => $"{f.Name} {f.Length} {f.LastWriteTimeUtc.Ticks}").Order());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in new[] { Source, Destination })
        {
            if (host is not null)
            {
                await host.DisposeAsync();
            }
        }

        _logs.Dispose();
        _folder.Delete(recursive: true);
    }
}
