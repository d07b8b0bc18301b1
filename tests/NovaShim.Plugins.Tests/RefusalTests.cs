using NovaShim.Compute.Plugins;
using NovaShim.Sdk;

namespace NovaShim.Plugins.Tests;

/// <summary>What cannot be used is refused in one line, and the next plugin loads all the same.</summary>
public sealed class RefusalTests
{
    private static readonly string _program = SdkVersion(0, 0);

    [Fact]
    public Task Text_named_dll() => IsRefused("is damaged or not a .NET assembly", r => Write(r, "Bad", "not an image"u8.ToArray()));

    [Fact]
    public Task An_image_cut_short() => IsRefused("is damaged or not a .NET assembly", r =>
    {
        var file = r.Compile("Bad", Workshop.Source("bad"));
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..700]);
    });

    [Fact]
    public Task An_empty_folder() => IsRefused("There is no Bad.dll in it", r => Directory.CreateDirectory(Path.Combine(r.Target, "Bad")));

    [Fact]
    public Task A_folder_of_another_name_than_its_assembly() =>
        IsRefused("There is no Bad.dll in it: a plugin's main assembly has the name of its folder (found: Other.dll).", r => Workshop.Compile(Path.Combine(r.Target, "Bad", "Other.dll"), Workshop.Source("bad")));

    [Fact]
    public Task An_assembly_of_another_name_than_its_file() => IsRefused("holds the assembly Other", r =>
    {
        var other = Workshop.Compile(Path.Combine(r.Workbench, "Other.dll"), Workshop.Source("bad"));
        Write(r, "Bad", File.ReadAllBytes(other));
    });

    [Fact]
    public Task No_attribute() => IsRefused("is no plugin: it has no [assembly: ComputePlugin(", r => r.Compile("Bad", "public class Nothing { }"));

    [Fact]
    public Task A_driver_name_that_is_none() => IsRefused("names the driver \"Bad Driver\"", r => r.Compile("Bad", Workshop.Source("Bad Driver")));

    [Fact]
    public Task A_manager_that_is_no_manager() => IsRefused("Its manager System.String does not derive from NovaShim.Sdk.ComputeManager", r =>
        r.Compile("Bad", "[assembly: NovaShim.Sdk.ComputePlugin(\"bad\", typeof(string))]"));

    [Fact]
    public Task A_manager_that_is_null() => IsRefused("names no manager", r => r.Compile("Bad", "[assembly: NovaShim.Sdk.ComputePlugin(\"bad\", null!)]"));

    [Fact]
    public Task A_manager_without_the_constructor() => IsRefused("has no public constructor that takes one ComputeHost", r =>
        r.Compile("Bad", Workshop.Source("bad").Replace("public Manager(ComputeHost host)", "public Manager()", StringComparison.Ordinal)));

    [Fact]
    public Task An_abstract_manager() => IsRefused("must be a public class that is neither abstract nor generic", r =>
        r.Compile("Bad", Workshop.Source("bad").Replace("public class Manager", "public abstract class Manager", StringComparison.Ordinal)));

    [Fact]
    public Task A_manager_that_is_not_public() => IsRefused("must be a public class", r =>
        r.Compile("Bad", Workshop.Source("bad").Replace("public class Manager", "internal class Manager", StringComparison.Ordinal)));

    [Fact]
    public Task A_missing_dependency() => IsRefused("It needs Library 0.0.0.0, which is neither in its folder nor shared by the program", r =>
        r.Compile("Bad", Workshop.Source("bad", inManager: "public Library.Thing? Thing;"), Workshop.Compile(Path.Combine(r.Workbench, "Library.dll"), "namespace Library { public class Thing { } }")));

    [Fact]
    public Task A_damaged_dependency() => IsRefused("It needs Library 0.0.0.0, which is damaged", r =>
    {
        r.Compile("Bad", Workshop.Source("bad", inManager: "public Library.Thing? Thing;"), Workshop.Compile(Path.Combine(r.Workbench, "Library.dll"), "namespace Library { public class Thing { } }"));
        File.WriteAllText(Path.Combine(r.Target, "Bad", "Library.dll"), "damaged");
    });

    [Fact]
    public Task A_library_of_the_program_that_the_plugin_does_not_bring() => IsRefused("It needs Polly.Core 8.0.0.0, which is neither in its folder nor shared", r =>
        r.Compile("Bad", Workshop.Source("bad", inManager: "public Polly.ResiliencePipeline? Pipeline;"), typeof(Polly.ResiliencePipeline).Assembly.Location));

    [Fact]
    public Task A_list_of_dependencies_that_is_damaged() => IsRefused("Its Bad.deps.json cannot be read", r =>
    {
        r.Compile("Bad", Workshop.Source("bad"));
        File.WriteAllText(Path.Combine(r.Target, "Bad", "Bad.deps.json"), "{ \"runtimeTarget\": ");
    });

    [Fact]
    public Task A_module_initializer_that_throws() => IsRefused("Its initializer failed: no luck today", r => r.Compile("Bad", Workshop.Source(
        "bad", beside: "static class Start { [System.Runtime.CompilerServices.ModuleInitializer] internal static void Run() => throw new InvalidOperationException(\"no luck\\ntoday\"); }")));

    [Fact]
    public Task A_static_constructor_that_throws() => IsRefused("Its initializer failed: no luck", r =>
        r.Compile("Bad", Workshop.Source("bad", inManager: "static Manager() => throw new InvalidOperationException(\"no luck\");")));

    [Fact]
    public Task A_manager_that_lacks_what_its_library_promised() => IsRefused("It cannot be loaded: ", r =>
    {
        var promise = Workshop.Compile(Path.Combine(r.Workbench, "Library.dll"), "namespace Library { public interface IThing { } }");
        r.Compile("Bad", Workshop.Source("bad").Replace(": ComputeManager", ": ComputeManager, Library.IThing", StringComparison.Ordinal), promise);
        Workshop.Compile(Path.Combine(r.Target, "Bad", "Library.dll"), "namespace Library { public interface IThing { void More(); } }");
    });

    [Theory]
    [InlineData(1, 0, "new")]
    [InlineData(0, 1, "new")]
    [InlineData(-1, 0, "old")]
    public Task An_sdk_that_does_not_fit(int major, int minor, string how) => IsRefused(
        $"It is too {how}: built with NovaShim.Sdk {SdkVersion(major, minor)}, this program has {_program}",
        r => Workshop.CompileWithSdk(Path.Combine(r.Target, "Bad", "Bad.dll"), Workshop.Source("bad"), Workshop.CompileSdk(r.Workbench, SdkVersion(major, minor) + ".0.0")));

    [Fact]
    public async Task An_initializer_that_never_ends_holds_up_nobody()
    {
        await using var running = await RunningHost.StartAsync();
        using var ending = new ManualResetEventSlim();
        AppDomain.CurrentDomain.SetData("novashim-test-ending", ending);
        running.Compile("Hangs", Workshop.Source("hangs", inManager: "static Manager() => ((ManualResetEventSlim)AppDomain.CurrentDomain.GetData(\"novashim-test-ending\")!).Wait();"));
        await running.UntilAsync("Hangs", p => p.Driver is not null);
        running.Compile("Later", Workshop.Source("later"));

        await running.LoadedAsync("Later");
        var hangs = running.Host.Plugins.Single(p => p.Name == "Hangs").State;
        ending.Set();

        Assert.Equal(PluginState.Loading, hangs);
        await running.LoadedAsync("Hangs");
    }

    [Fact]
    public async Task Of_two_plugins_with_one_driver_the_first_to_load_has_it()
    {
        await using var running = await RunningHost.StartAsync();
        var first = running.Compile("First", Workshop.Source("same", inManager: "static Manager() => throw new InvalidOperationException(\"no luck\");"));
        await running.UntilAsync("First", p => p.Message.Contains("no luck", StringComparison.Ordinal));
        running.Compile("Second", Workshop.Source("same"));
        await running.LoadedAsync("Second");

        // The first was refused, so that the name was free; now the first, mended, comes too late.
        Workshop.Compile(first, Workshop.Source("same"));

        var late = await running.UntilAsync("First", p => p.Message.Contains("exported", StringComparison.Ordinal));
        Assert.Equal((PluginState.Refused, "The driver \"same\" is exported by the plugin Second already."), (late.State, late.Message));
        Directory.Delete(Path.Combine(running.Folder, "Second"), recursive: true);
        await running.UntilAsync("Second", p => p is { State: PluginState.Loaded, Message.Length: > 0 });
    }

    private static string SdkVersion(int majorMore, int minorMore)
    {
        var version = typeof(ComputeManager).Assembly.GetName().Version!;
        return new Version(version.Major + majorMore, version.Minor + minorMore).ToString();
    }

    private static void Write(RunningHost running, string name, byte[] content)
    {
        Directory.CreateDirectory(Path.Combine(running.Target, name));
        File.WriteAllBytes(Path.Combine(running.Target, name, name + ".dll"), content);
    }

    private static async Task IsRefused(string message, Action<RunningHost> make)
    {
        await using var running = await RunningHost.StartAsync();
        running.AtOnce("Bad", make);

        var refused = await running.RefusedAsync("Bad");
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
        Assert.Null(refused.LoadedAt);

        // It harms nothing, and once mended it is loaded.
        running.Compile("Good", Workshop.Source("good"));
        await running.LoadedAsync("Good");
        Directory.Delete(Path.Combine(running.Folder, "Bad"), recursive: true);
        running.Compile("Bad", Workshop.Source("bad"));
        await running.LoadedAsync("Bad");
    }
}
