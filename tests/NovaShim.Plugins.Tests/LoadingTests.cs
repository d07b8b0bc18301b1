using System.Collections.Concurrent;
using System.Diagnostics;
using NovaShim.Compute.Plugins;

namespace NovaShim.Plugins.Tests;

public sealed class LoadingTests
{
    [Fact]
    public async Task A_plugin_dropped_in_while_the_host_runs_is_loaded()
    {
        await using var running = await RunningHost.StartAsync();
        var waiting = running.Host.WaitForDriverAsync("fake", CancellationToken.None);
        var changes = 0;
        running.Host.Changed += (_, _) => Interlocked.Increment(ref changes);
        Assert.Empty(running.Host.Plugins);
        Assert.False(waiting.IsCompleted);

        running.DropIn(BuiltTree.FakePlugin);

        await waiting.WaitAsync(TimeSpan.FromSeconds(30));
        var status = Assert.Single(running.Host.Plugins);
        Assert.Equal(("Fake", "fake", PluginState.Loaded, ""), (status.Name, status.Driver, status.State, status.Message));
        Assert.Equal("1.0.0.0", status.SdkVersion);
        Assert.StartsWith("0.1.0", status.Version, StringComparison.Ordinal);
        Assert.NotNull(status.LoadedAt);
        Assert.True(changes > 0);
        await using var manager = running.Host.Create("fake", RunningHost.ComputeHost("h1"));
        await manager.InitHostAsync(CancellationToken.None);
        Assert.Equal("fake", (await manager.GetHostStatsAsync(CancellationToken.None)).HypervisorType);
    }

    [Fact]
    public async Task A_plugin_that_was_there_before_the_host_is_loaded()
    {
        await using var running = await RunningHost.StartAsync();
        running.Compile("Tiny", Workshop.Source("tiny"));
        await running.LoadedAsync("Tiny");
        await using var second = new PluginHost(new PluginOptions { Path = running.Folder, PollSeconds = 0.2 }, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<PluginHost>.Instance);

        await second.StartAsync(CancellationToken.None);

        await second.WaitForDriverAsync("tiny", CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal("1.2.3", Assert.Single(second.Plugins).Version);
    }

    [Fact]
    public async Task A_copy_that_trickles_in_is_loaded_once_it_is_whole()
    {
        var settle = TimeSpan.FromSeconds(1);
        await using var running = await RunningHost.StartAsync(pollSeconds: 2);
        var refused = new ConcurrentDictionary<string, bool>();
        running.Host.Changed += (_, _) =>
        {
            foreach (var plugin in running.Host.Plugins.Where(p => p.State == PluginState.Refused))
            {
                refused[plugin.Name] = true;
            }
        };

        // A machine that stood still for longer than files take to settle has made a pause of its own: that copy says nothing, and another is made.
        for (var copy = 1; ; copy++)
        {
            var name = $"slow{copy}";
            if (await TrickleAsync(running, name) < settle / 2)
            {
                await running.LoadedAsync(name);
                Assert.DoesNotContain(name, refused.Keys);
                return;
            }

            Assert.True(copy < 20, "The machine does not come to write a file in one go.");
        }
    }

    [Fact]
    public async Task A_copy_that_stalls_half_way_is_refused_and_loaded_when_it_goes_on()
    {
        await using var running = await RunningHost.StartAsync();
        var whole = await File.ReadAllBytesAsync(Workshop.Compile(Path.Combine(running.Workbench, "Slow.dll"), Workshop.Source("slow")));
        var target = Path.Combine(Directory.CreateDirectory(Path.Combine(running.Folder, "Slow")).FullName, "Slow.dll");

        await File.WriteAllBytesAsync(target, whole[..(whole.Length / 2)]);
        await running.RefusedAsync("Slow");
        await File.WriteAllBytesAsync(target, whole);

        await running.LoadedAsync("Slow");
    }

    [Fact]
    public async Task A_file_that_is_held_open_is_waited_for()
    {
        await using var running = await RunningHost.StartAsync();
        var whole = await File.ReadAllBytesAsync(Workshop.Compile(Path.Combine(running.Workbench, "Held.dll"), Workshop.Source("held")));
        Directory.CreateDirectory(Path.Combine(running.Folder, "Held"));
        await using (var file = new FileStream(Path.Combine(running.Folder, "Held", "Held.dll"), FileMode.CreateNew, FileAccess.Write, FileShare.None))
        {
            await file.WriteAsync(whole);
            await file.FlushAsync();

            var waiting = await running.UntilAsync("Held", p => p.Message.Contains("readable", StringComparison.Ordinal));
            Assert.Equal(PluginState.Loading, waiting.State);
        }

        await running.LoadedAsync("Held");
    }

    [Fact]
    public async Task The_folder_may_vanish_and_come_back()
    {
        await using var running = await RunningHost.StartAsync();
        running.Compile("One", Workshop.Source("one"));
        await running.LoadedAsync("One");

        Directory.Delete(running.Folder, recursive: true);
        var gone = await running.UntilAsync("One", p => p.Message.Length > 0);
        running.Compile("Two", Workshop.Source("two"));

        Assert.Equal((PluginState.Loaded, "Its folder is gone; it stays loaded until the program ends."), (gone.State, gone.Message));
        await running.LoadedAsync("Two");
        await using var one = new DisposableManager(running.Host.Create("one", RunningHost.ComputeHost("h")));
    }

    [Fact]
    public async Task A_loaded_plugin_whose_files_change_says_when_that_counts()
    {
        await using var running = await RunningHost.StartAsync();
        var file = running.Compile("One", Workshop.Source("one"));
        await running.LoadedAsync("One");

        await File.WriteAllTextAsync(file, "nothing");

        var status = await running.UntilAsync("One", p => p.Message.Length > 0);
        Assert.Equal(PluginState.Loaded, status.State);
        Assert.Contains("next start", status.Message, StringComparison.Ordinal);
        await using var one = new DisposableManager(running.Host.Create("one", RunningHost.ComputeHost("h")));
    }

    [Fact]
    public async Task A_driver_that_no_plugin_exports_is_refused_with_what_there_is()
    {
        await using var running = await RunningHost.StartAsync();
        running.Compile("One", Workshop.Source("one"));
        Directory.CreateDirectory(Path.Combine(running.Folder, "Empty"));
        await running.LoadedAsync("One");
        await running.RefusedAsync("Empty");

        var e = Assert.Throws<PluginException>(() => running.Host.Create("xenserver", RunningHost.ComputeHost("h7")));

        Assert.Contains("\"xenserver\" that host h7 asks for; available: one.", e.Message, StringComparison.Ordinal);
        Assert.Contains("Empty was refused", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_constructor_that_throws_is_told_in_one_line()
    {
        await using var running = await RunningHost.StartAsync();
        running.Compile("One", Workshop.Source("one", inManager: "").Replace("base(null!) { }", "base(null!) { throw new ArgumentException(\"no url\\nset one\"); }", StringComparison.Ordinal));
        await running.LoadedAsync("One");

        var e = Assert.Throws<PluginException>(() => running.Host.Create("one", RunningHost.ComputeHost("h")));

        Assert.Equal("Driver \"one\" could not be set up for host h: no url set one", e.Message);
    }

    /// <summary>Copies a plugin at the pace of a slow line: in all for longer than the second in which files settle, with pauses that are shorter. Returns the longest of them.</summary>
    private static async Task<TimeSpan> TrickleAsync(RunningHost running, string name)
    {
        var whole = await File.ReadAllBytesAsync(Workshop.Compile(Path.Combine(running.Workbench, name + ".dll"), Workshop.Source(name)));
        var longest = TimeSpan.Zero;
        Directory.CreateDirectory(Path.Combine(running.Folder, name));
        var clock = Stopwatch.StartNew();
        await using var file = File.Create(Path.Combine(running.Folder, name, name + ".dll"));
        foreach (var piece in whole.Chunk((whole.Length / 40) + 1))
        {
            await file.WriteAsync(piece);
            await file.FlushAsync();
            longest = clock.Elapsed > longest ? clock.Elapsed : longest;
            clock.Restart();
            Assert.False(running.Host.IsAvailable(name));
            await Task.Delay(30);
        }

        return longest;
    }

    /// <summary>The manager of a tiny plugin has no driver to dispose.</summary>
    private sealed class DisposableManager(Sdk.ComputeManager manager) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            Assert.Null(manager.Driver);
            return ValueTask.CompletedTask;
        }
    }
}
