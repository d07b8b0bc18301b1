using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Documents.Embedded;
using NovaShim.Compute.Plugins;

namespace NovaShim.Plugins.Tests;

/// <summary>What the processes write of their plugins, as <c>novashim plugins list</c> reads it.</summary>
public sealed class PluginReporterTests : IAsyncLifetime
{
    private readonly DirectoryInfo _temp = Directory.CreateTempSubdirectory("novashim-test-");
    private IDocumentStore _store = null!;
    private ServiceProvider _services = null!;

    private string Folder => Path.Combine(_temp.FullName, "plugins");

    private IDocumentCollection<PluginDocument> Documents => _store.Collection<PluginDocument>();

    public async Task InitializeAsync()
    {
        _services = new ServiceCollection().AddEmbeddedDocumentStore(Path.Combine(_temp.FullName, "test.db")).BuildServiceProvider();
        _store = _services.GetRequiredService<IDocumentStore>();
        await _store.InitializeAsync(CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await _services.DisposeAsync();
        _temp.Delete(recursive: true);
    }

    [Fact]
    public async Task What_is_loaded_and_refused_is_listed_and_follows_the_folder()
    {
        Workshop.Compile(Path.Combine(Folder, "Good", "Good.dll"), Workshop.Source("good"));
        Directory.CreateDirectory(Path.Combine(Folder, "Empty"));
        using var program = Program("p1");
        await program.StartAsync();

        var good = await UntilAsync("p1/Good", d => d is { State: "loaded" });
        var empty = await UntilAsync("p1/Empty", d => d is { State: "refused" });
        Directory.Delete(Path.Combine(Folder, "Empty"));
        await UntilAsync("p1/Empty", d => d is null);

        Assert.Equal(("p1", "Good", "good", "1.2.3", "1.0.0.0", ""), (good!.Process, good.Name, good.Driver, good.Version, good.SdkVersion, good.Message));
        Assert.NotNull(good.LoadedAt);
        Assert.StartsWith("There is no Empty.dll", empty!.Message, StringComparison.Ordinal);
        Assert.Null(empty.Driver);
    }

    [Fact]
    public async Task Two_processes_list_their_own_and_one_that_ends_takes_its_list_away()
    {
        Workshop.Compile(Path.Combine(Folder, "Good", "Good.dll"), Workshop.Source("good"));
        using var stays = Program("p1");
        await stays.StartAsync();
        using (var ends = Program("p2"))
        {
            await ends.StartAsync();
            await UntilAsync("p1/Good", d => d is { State: "loaded" });
            await UntilAsync("p2/Good", d => d is { State: "loaded" });
            await ends.StopAsync();
        }

        Assert.Null(await Documents.GetAsync("p2/Good", CancellationToken.None));
        Assert.NotNull(await Documents.GetAsync("p1/Good", CancellationToken.None));
    }

    [Fact]
    public async Task Silence_shows_and_what_died_long_ago_is_removed()
    {
        var now = DateTime.UtcNow;
        foreach (var (process, silent) in new[] { ("just", TimeSpan.FromMinutes(1)), ("long", TimeSpan.FromHours(25)) })
        {
            await Documents.InsertAsync(new PluginDocument { Key = process + "/Good", Process = process, Name = "Good", Path = "/", State = "loaded", SeenAt = now - silent }, CancellationToken.None);
        }

        Workshop.Compile(Path.Combine(Folder, "Good", "Good.dll"), Workshop.Source("good"));
        using var program = Program("p1");
        await program.StartAsync();
        await UntilAsync("long/Good", d => d is null);
        var mine = await UntilAsync("p1/Good", d => d is { Revision: > 3 });

        Assert.True((await Documents.GetAsync("just/Good", CancellationToken.None))!.IsStale(now, reportSeconds: 10));
        Assert.False(mine!.IsStale(DateTime.UtcNow, reportSeconds: 10));
    }

    private IHost Program(string process)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton(_store).AddNovaPlugins(new PluginOptions { Path = Folder, PollSeconds = 0.2, Process = process, ReportSeconds = 0.2 });
        builder.Logging.ClearProviders();
        return builder.Build();
    }

    private async Task<PluginDocument?> UntilAsync(string key, Func<PluginDocument?, bool> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var document = await Documents.GetAsync(key, CancellationToken.None);
            if (condition(document))
            {
                return document;
            }

            Assert.False(deadline.IsCancellationRequested, $"{key} is {document?.ToString() ?? "not there"}");
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
