using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text.Json;
using MongoDB.Driver;

namespace NovaShim.Contracts.Tests.Servers;

/// <summary>
/// A MongoDB-protocol server: the one that <c>NOVASHIM_TEST_MONGODB</c> names, or the double in compat/mongodb on a free port, started for the tests.
/// </summary>
public sealed class MongoServer : IAsyncLifetime
{
    private static readonly Lazy<Task> Installed = new(InstallAsync);

    private readonly TemporaryFolder folder = new();
    private ChildProcess? process;
    private int port;

    /// <summary>Connection string.</summary>
    public string Uri { get; private set; } = "";

    /// <summary>Whether the server is the double, which can be killed and looked into.</summary>
    public bool IsDouble => process is not null;

    public static string RepositoryRoot { get; } = typeof(MongoServer).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;

    public async Task InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("NOVASHIM_TEST_MONGODB") is { Length: > 0 } real)
        {
            Uri = real;
            return;
        }

        await StartAsync();
    }

    public async Task DisposeAsync()
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }

        folder.Dispose();
    }

    /// <summary>The connection string with a database that nobody else uses.</summary>
    public MongoUrl UriOfNewDatabase() => new MongoUrlBuilder(Uri) { DatabaseName = $"contract_{Guid.NewGuid():N}" }.ToMongoUrl();

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => process!.KillAsync();

    /// <summary>Starts it again on the same port and the same data.</summary>
    public async Task StartAsync()
    {
        await Installed.Value;
        var ready = folder.File("ready.json");
        File.Delete(ready);
        process = ChildProcess.Start(
            "node", Path.Combine(RepositoryRoot, "compat", "mongodb", "server.mjs"), "--port", $"{port}", "--data", folder.File("data"), "--ready", ready);
        await Eventually.TrueAsync(() => File.Exists(ready) || process.HasExited, () => $"The server did not come up: {process.Output}");
        Assert.False(process.HasExited, process.Output);
        using var document = JsonDocument.Parse(await File.ReadAllTextAsync(ready));
        Uri = document.RootElement.GetProperty("uri").GetString()!;
        port = new Uri(Uri).Port;
    }

    /// <summary>A raw connection, for what no driver would send.</summary>
    public async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        return client;
    }

    private static async Task InstallAsync()
    {
        var directory = Path.Combine(RepositoryRoot, "compat", "mongodb");
        if (Directory.Exists(Path.Combine(directory, "node_modules", "mingo")))
        {
            return;
        }

        await using var npm = ChildProcess.Start("npm", "ci", "--ignore-scripts", "--prefix", directory);
        await Eventually.TrueAsync(() => npm.HasExited, () => npm.Output);
        Assert.True(Directory.Exists(Path.Combine(directory, "node_modules", "mingo")), $"npm ci has not installed the double's libraries: {npm.Output}");
    }
}
