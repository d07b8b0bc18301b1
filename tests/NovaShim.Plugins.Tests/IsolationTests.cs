using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using NovaShim.Sdk;

namespace NovaShim.Plugins.Tests;

public sealed class IsolationTests
{
    [Fact]
    public async Task Two_plugins_bring_two_versions_of_one_library()
    {
        await using var running = await RunningHost.StartAsync();
        foreach (var (name, version) in new[] { ("One", "1.0.0.0"), ("Two", "2.0.0.0") })
        {
            var library = Workshop.Compile(
                Path.Combine(running.Folder, name, "Library.dll"), $"[assembly: System.Reflection.AssemblyVersion(\"{version}\")] namespace Library {{ public static class Thing {{ public static int Count; }} }}");
            running.Compile(name, Workshop.Source(name.ToLowerInvariant(), inManager: "public override string ToString() => typeof(Library.Thing).Assembly.GetName().Version + \" \" + ++Library.Thing.Count;"), library);
        }

        await running.LoadedAsync("One");
        await running.LoadedAsync("Two");

        Assert.Equal("1.0.0.0 1", running.Host.Create("one", RunningHost.ComputeHost("h")).ToString());
        Assert.Equal("2.0.0.0 1", running.Host.Create("two", RunningHost.ComputeHost("h")).ToString());
        Assert.Equal("1.0.0.0 2", running.Host.Create("one", RunningHost.ComputeHost("h")).ToString());
    }

    [Fact]
    public async Task An_sdk_that_a_plugin_brings_by_mistake_is_not_used()
    {
        await using var running = await RunningHost.StartAsync();
        Directory.CreateDirectory(Path.Combine(running.Folder, "One"));
        File.Copy(typeof(ComputeManager).Assembly.Location, Path.Combine(running.Folder, "One", "NovaShim.Sdk.dll"));
        running.Compile("One", Workshop.Source("one"));

        await running.LoadedAsync("One");
        Assert.IsAssignableFrom<ComputeManager>(running.Host.Create("one", RunningHost.ComputeHost("h")));
    }

    [Fact]
    public async Task Plugins_are_loaded_from_a_copy_that_goes_with_the_host()
    {
        string location;
        await using (var running = await RunningHost.StartAsync())
        {
            running.DropIn(BuiltTree.FakePlugin);
            await running.LoadedAsync("Fake");
            await using var manager = running.Host.Create("fake", RunningHost.ComputeHost("h"));
            location = manager.GetType().Assembly.Location;
            Assert.NotEqual(AssemblyLoadContext.Default, AssemblyLoadContext.GetLoadContext(manager.GetType().Assembly));
            Assert.NotEqual(typeof(Fake.FakeComputeManager), manager.GetType());
            Assert.False(location.StartsWith(running.Folder, StringComparison.Ordinal));
            Assert.True(File.Exists(location));
        }

        Assert.False(File.Exists(location));
    }

    [Fact]
    public async Task What_a_killed_process_has_left_is_removed_and_what_a_living_one_uses_is_not()
    {
        await using var living = await RunningHost.StartAsync();
        living.DropIn(BuiltTree.FakePlugin);
        await living.LoadedAsync("Fake");
        await using var manager = living.Host.Create("fake", RunningHost.ComputeHost("h"));
        var abandoned = Directory.CreateTempSubdirectory("novashim-plugins-");
        await File.WriteAllTextAsync(Path.Combine(abandoned.FullName, "in-use"), "");

        await using var next = await RunningHost.StartAsync();

        Assert.False(Directory.Exists(abandoned.FullName));
        Assert.True(File.Exists(manager.GetType().Assembly.Location));
    }

    [Fact]
    public async Task A_plugin_is_collected_once_it_has_been_let_go()
    {
        var context = await LoadUseAndLetGoAsync();

        for (var i = 0; context.IsAlive && i < 50; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Delay(10);
        }

        Assert.False(context.IsAlive);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> LoadUseAndLetGoAsync()
    {
        await using var running = await RunningHost.StartAsync();
        running.DropIn(BuiltTree.FakePlugin);
        await running.LoadedAsync("Fake");
        var state = Path.Combine(running.Workbench, "state.json");
        await using var one = running.Host.Create("fake", RunningHost.ComputeHost("one", ("state_file", state)));
        await using var two = running.Host.Create("fake", RunningHost.ComputeHost("two", ("state_file", state)));
        await new Journey(one, two).ThereAsync();
        return running.Host.Track("fake");
    }
}
