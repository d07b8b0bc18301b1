using System.IO.Compression;
using System.Reflection;
using NovaShim.Compute.Plugins;
using NovaShim.Sdk;

namespace NovaShim.Plugins.Tests;

/// <summary>A plugin that is built outside of the solution against the packed Sdk, and dropped into a running host.</summary>
public sealed class OutsidePluginTests(OutsidePluginBuild build) : IClassFixture<OutsidePluginBuild>
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_carries_a_server_from_host_to_host(bool confirm)
    {
        await using var running = await RunningHost.StartAsync();
        running.DropIn(build.Output, "OutsidePlugin");
        await running.Host.WaitForDriverAsync("outside", CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        await using var one = running.Host.Create("outside", RunningHost.ComputeHost("one", ("root", running.Workbench)));
        await using var two = running.Host.Create("outside", RunningHost.ComputeHost("two", ("root", running.Workbench)));
        var journey = new Journey(one, two, twice: true) { ImageContent = "a disk's content"u8.ToArray() };

        await journey.ThereAsync();
        Assert.Equal((PowerState.Shutdown, PowerState.Running), await journey.PowerAsync());
        await (confirm ? journey.ConfirmAsync() : journey.RevertAsync());

        Assert.Equal(confirm ? (null, PowerState.Running) : (PowerState.Running, null), await journey.PowerAsync());
        Assert.Equal([$"{journey.Instance.Uuid}.disk", $"{journey.Instance.Uuid}.state"], Files(running, confirm ? "two" : "one"));
        Assert.Equal([], Files(running, confirm ? "one" : "two"));
        Assert.Equal("a disk's content", await File.ReadAllTextAsync(Path.Combine(running.Workbench, confirm ? "two" : "one", journey.Instance.Uuid + ".disk")));
    }

    [Fact]
    public async Task It_has_its_own_version_of_a_library_that_the_program_has_too()
    {
        await using var running = await RunningHost.StartAsync();
        running.DropIn(build.Output, "OutsidePlugin");
        var status = await running.LoadedAsync("OutsidePlugin");
        await using var manager = running.Host.Create("outside", RunningHost.ComputeHost("one", ("root", running.Workbench)));

        var stats = await manager.GetHostStatsAsync(CancellationToken.None);
        var programs = typeof(Polly.ResiliencePipeline).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

        Assert.Equal((PluginState.Loaded, "outside"), (status.State, status.Driver));
        Assert.StartsWith("2.5.0", status.Version, StringComparison.Ordinal);
        Assert.StartsWith("{\"polly\":\"8.5.2", stats.CpuInfo, StringComparison.Ordinal);
        Assert.DoesNotContain("8.5.2", programs, StringComparison.Ordinal);
    }

    [Fact]
    public void It_brings_its_library_and_not_the_sdk() =>
        Assert.Equal(["OutsidePlugin.dll", "Polly.Core.dll"], Directory.GetFiles(build.Output, "*.dll").Select(Path.GetFileName).Order(StringComparer.Ordinal));

    [Fact]
    public void The_package_holds_the_contract_its_documentation_and_how_to_use_it()
    {
        using var package = ZipFile.OpenRead(build.Package);
        var entries = package.Entries.Select(e => e.FullName).ToList();
        Assert.Contains("README.md", entries);
        Assert.Contains("lib/net10.0/NovaShim.Sdk.dll", entries);
        Assert.Contains("lib/net10.0/NovaShim.Sdk.xml", entries);
        Assert.Equal(1, entries.Count(e => e.EndsWith(".dll", StringComparison.Ordinal)));
    }

    private static IEnumerable<string?> Files(RunningHost running, string host) =>
        Directory.GetFiles(Path.Combine(running.Workbench, host)).Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
