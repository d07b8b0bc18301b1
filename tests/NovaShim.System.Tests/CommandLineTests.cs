namespace NovaShim.System.Tests;

/// <summary>What the program says to somebody who got it wrong.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData(2, "--set nonsense", "KEY=VALUE", "serve", "--set", "nonsense")]
    [InlineData(2, "no such file", "/nowhere.json", "serve", "--config", "/nowhere.json")]
    [InlineData(2, "compute:poll_secs", "known are", "serve", "--set", "compute:poll_secs=1")]
    [InlineData(2, "compute:poll_seconds", "soon", "serve", "--set", "compute:poll_seconds=soon")]
    [InlineData(2, "store:mongodb", "bus:url", "serve", "--role", "api")]
    [InlineData(2, "store:mongodb", "connection string", "serve", "--set", "store:mongodb=nonsense")]
    [InlineData(1, "Invalid url", "nonsense", "serve", "--set", "api:urls=nonsense")]
    [InlineData(1, "novashim: ", "/proc/", "serve", "--set", "api:urls=http://127.0.0.1:0", "--ready", "/proc/nowhere/ready")]
    [InlineData(2, "hosts:0", "driver", "serve", "--set", "hosts:0:name=xen1")]
    [InlineData(1, "--role", "nobody", "serve", "--role", "nobody")]
    [InlineData(1, "admin.json", "OS_AUTH_URL", "plugins", "list", "--data", "/nowhere")]
    public async Task It_says_what_is_wrong_in_one_go(int status, string first, string second, params string[] arguments)
    {
        var folder = Directory.CreateTempSubdirectory("novashim-cli-");
        var program = await BuiltProgram.RunAsync(BuiltProgram.NovaShim, arguments[0] == "serve" ? [.. arguments, "--set", "data=" + folder.FullName] : arguments);
        Assert.Equal(status, program.ExitCode);
        Assert.Contains(first, program.Output, StringComparison.Ordinal);
        Assert.Contains(second, program.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", program.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(" fatal ", program.Output, StringComparison.Ordinal);
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_second_process_on_the_same_embedded_store_is_told_so()
    {
        var folder = Directory.CreateTempSubdirectory("novashim-cli-");
        string[] arguments = ["serve", "--set", "data=" + folder.FullName, "--set", "api:urls=http://127.0.0.1:0"];
        await using (var first = await BuiltProgram.StartAsync(BuiltProgram.NovaShim, Path.Combine(folder.FullName, "ready.json"), arguments))
        {
            var second = await BuiltProgram.RunAsync(BuiltProgram.NovaShim, arguments);
            Assert.Equal(1, second.ExitCode);
            Assert.Contains("another process", second.Output, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("   at ", second.Output, StringComparison.Ordinal);
        }

        folder.Delete(recursive: true);
    }
}
