using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using NovaShim.Compute.Plugins;
using NovaShim.Sdk;

namespace NovaShim.Plugins.Tests;

/// <summary>A plugin host that runs over a folder of its own, and looks often.</summary>
internal sealed class RunningHost : IAsyncDisposable
{
    private readonly DirectoryInfo _temp = Directory.CreateTempSubdirectory("novashim-test-");

    private RunningHost(double pollSeconds)
    {
        Folder = Target = Path.Combine(_temp.FullName, "plugins");
        Workbench = Directory.CreateDirectory(Path.Combine(_temp.FullName, "workbench")).FullName;
        Host = new PluginHost(new PluginOptions { Path = Folder, PollSeconds = pollSeconds }, TimeProvider.System, NullLogger<PluginHost>.Instance);
    }

    public PluginHost Host { get; }

    /// <summary>The plugin folder. It is not there before a test makes it.</summary>
    public string Folder { get; }

    /// <summary>Where <see cref="Compile"/> writes: the plugin folder, or while <see cref="AtOnce"/> makes a plugin, a folder beside it.</summary>
    public string Target { get; private set; }

    /// <summary>For whatever else a test makes.</summary>
    public string Workbench { get; }

    public static async Task<RunningHost> StartAsync(double pollSeconds = 0.2)
    {
        var running = new RunningHost(pollSeconds);
        await running.Host.StartAsync(CancellationToken.None);
        return running;
    }

    public static ComputeHost ComputeHost(string name, params (string Name, string Value)[] settings) => new(
        name,
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Name, (string?)s.Value))).Build(),
        NullLoggerFactory.Instance,
        TimeProvider.System);

    /// <summary>Makes a plugin in several moves, of which the host sees only the last.</summary>
    public void AtOnce(string name, Action<RunningHost> make)
    {
        Target = Path.Combine(_temp.FullName, "made");
        make(this);
        Directory.CreateDirectory(Folder);
        Directory.Move(Path.Combine(Target, name), Path.Combine(Folder, name));
        Target = Folder;
    }

    /// <summary>Compiles a plugin into the watched folder.</summary>
    public string Compile(string name, string source, params string[] references) => Workshop.Compile(Path.Combine(Target, name, name + ".dll"), source, references);

    /// <summary>Copies a plugin's folder in.</summary>
    public void DropIn(string from, string? name = null) => BuiltTree.Copy(from, Path.Combine(Folder, name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(from))));

    /// <summary>Waits until a plugin has loaded. On a busy machine it may be found half written and refused before.</summary>
    public Task<PluginStatus> LoadedAsync(string name) => UntilAsync(name, p => p.State == PluginState.Loaded);

    /// <summary>Waits until a plugin was refused, and returns what people are told of it.</summary>
    public Task<PluginStatus> RefusedAsync(string name) => UntilAsync(name, p => p.State == PluginState.Refused);

    /// <summary>Waits until what people are told of a plugin meets a condition. Fails after half a minute, saying what they were told last.</summary>
    public async Task<PluginStatus> UntilAsync(string name, Func<PluginStatus, bool> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var status = Host.Plugins.SingleOrDefault(p => p.Name == name);
            if (status is not null && condition(status))
            {
                return status;
            }

            Assert.False(deadline.IsCancellationRequested, $"{name} is {status?.ToString() ?? "unknown"}");
            await Task.Delay(20, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        _temp.Delete(recursive: true);
    }
}
