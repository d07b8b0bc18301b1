using System.Text.Json;

namespace NovaShim.Contracts.Tests.Servers;

/// <summary>A real nats-server (Debian's package of that name) on a free port of the loopback.</summary>
public sealed class NatsServer : IAsyncLifetime
{
    private readonly TemporaryFolder folder = new();
    private ChildProcess? process;
    private int port = -1;

    /// <summary>What goes into its configuration file beside the port.</summary>
    public string Configuration { get; init; } = "";

    /// <summary>Where it listens.</summary>
    public string Url => $"nats://127.0.0.1:{port}";

    public Task InitializeAsync() => StartAsync();

    public async Task DisposeAsync()
    {
        await process!.DisposeAsync();
        folder.Dispose();
    }

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => process!.KillAsync();

    /// <summary>Starts it, again on the same port where it has run before.</summary>
    public async Task StartAsync()
    {
        var configuration = folder.File("nats.conf");
        await File.WriteAllTextAsync(configuration, Configuration);
        process = ChildProcess.Start("nats-server", "-c", configuration, "-a", "127.0.0.1", "-p", $"{port}", "--ports_file_dir", folder.Path);
        var ports = folder.File($"nats-server_{process.Id}.ports");
        await Eventually.TrueAsync(() => File.Exists(ports) || process.HasExited, () => $"nats-server did not come up: {process.Output}");
        Assert.False(process.HasExited, process.Output);
        using var document = JsonDocument.Parse(await File.ReadAllTextAsync(ports));
        port = new Uri(document.RootElement.GetProperty("nats")[0].GetString()!).Port;
    }
}
