using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using NovaShim.Sdk;
using NovaShim.XenServer.Guests;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests;

/// <summary>What a user gives for the guest gets into it, through its agent.</summary>
public sealed class GuestAgentTests
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4sVb4v1mQy user";
    private const string Password = "s3cret-of-the-guest-ü,'\"\\";
    private const string FileText = "contents-that-are-secret";

    private static readonly string[] Sides = ["host", "guest"];
    private static readonly (string, string)[] Used = [("use_agent", "true")];

    [Theory]
    [InlineData("on")]
    [InlineData("unix")]
    public async Task Key_files_and_password_are_in_the_guest_after_a_build_a_resize_and_its_revert(string agent)
    {
        await using var hosts = await TwoHosts.StartAsync(Used, "--guest-agent", agent);
        var server = await SpawnAsync(hosts);
        Assert.DoesNotContain("could not be given", hosts.Log, StringComparison.Ordinal);

        var run = hosts.Migration(server);
        await run.ForwardAsync();
        await ChangeAsync(hosts, hosts.DestinationDriver, server, "changed-at-the-destination");
        Assert.Empty(await NodesAsync(hosts.Destination));
        await TwoHosts.StopAsync(hosts.Destination, server);
        await ProveAsync(await hosts.Destination.LeafAsync(server), "changed-at-the-destination");
        await run.RevertAsync();
        await hosts.WriteAsync(server);
        await TwoHosts.StopAsync(hosts.Source, server);

        // Of what came after the copy, nothing came back.
        await ProveAsync(await hosts.Source.LeafAsync(server), Password);
        Assert.True(await PythonAgreesAsync(await hosts.Source.LeafAsync(server)));
        Assert.DoesNotContain(Password, hosts.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(FileText, hosts.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(Encoding.UTF8.GetBytes(FileText)), hosts.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(Password, hosts.Source.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_an_agent_a_server_is_built_and_what_only_an_agent_can_do_fails_with_a_reason()
    {
        await using var hosts = await TwoHosts.StartAsync([.. Used, ("agent_timeout_seconds", "1"), ("agent_version_timeout_seconds", "2")], "--guest-agent", "off");
        var server = await SpawnAsync(hosts);

        Assert.Contains("could not be given anything", hosts.Log, StringComparison.Ordinal);
        Assert.Empty(await NodesAsync(hosts.Source));
        foreach (var verb in new Func<Task>[]
        {
            () => ChangeAsync(hosts, hosts.SourceDriver, server, "other"),
            () => hosts.SourceDriver.InjectFileAsync(hosts.Step(server), new InjectedFile("/a", "b"u8.ToArray()), CancellationToken.None),
            () => hosts.SourceDriver.ResetNetworkAsync(hosts.Step(server), CancellationToken.None),
        })
        {
            var failed = await Assert.ThrowsAsync<AgentException>(verb);
            Assert.Equal(StepRecovery.Unwind, failed.Recovery);
            Assert.Contains("has not answered", failed.Message, StringComparison.Ordinal);
        }

        Assert.Empty(await NodesAsync(hosts.Source));
        await Assert.ThrowsAsync<VerbNotSupportedException>(() => ChangeAsync(hosts, hosts.AnotherDriver(hosts.Source), server, "other"));
    }

    [Fact]
    public async Task An_image_decides_for_itself_and_its_word_goes_with_the_server()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = hosts.NewInstance();
        var step = hosts.Step(server, withImage: true);
        await hosts.SourceDriver.SpawnAsync(
            new TestInstanceStep { Instance = server, RequestId = "r", Image = step.Image! with { Properties = new Dictionary<string, string> { [AgentUse.Property] = "True" } } }, CancellationToken.None);
        await hosts.WriteAsync(server);

        await ChangeAsync(hosts, hosts.SourceDriver, server, "one");
        await hosts.Migration(server).ForwardAsync();
        await ChangeAsync(hosts, hosts.DestinationDriver, server, "two");
    }

    [Fact]
    public async Task A_file_that_is_too_large_or_refused_is_named_and_the_rest_arrives()
    {
        await using var hosts = await TwoHosts.StartAsync(Used);
        var server = hosts.NewInstance();
        var step = new TestInstanceStep
        {
            Instance = server, RequestId = "r", Image = hosts.Step(server, withImage: true).Image, AdminPassword = Password,
            InjectedFiles = [new InjectedFile("/etc/large", new byte[4000]), new InjectedFile("relative", "x"u8.ToArray()), new InjectedFile("/etc/largest", new byte[2800]), new InjectedFile("/etc/motd", "hello"u8.ToArray())],
        };
        await hosts.SourceDriver.SpawnAsync(step, CancellationToken.None);

        Assert.Contains("\"/etc/large\": A request of", hosts.Log, StringComparison.Ordinal);
        Assert.Contains("\"relative\": The agent in the guest on xen1 has refused file_inject", hosts.Log, StringComparison.Ordinal);
        await hosts.WriteAsync(server);
        await TwoHosts.StopAsync(hosts.Source, server);
        var files = await FilesAsync(await hosts.Source.LeafAsync(server));
        Assert.Equal(["/etc/largest", "/etc/motd", "/etc/shadow"], files.Keys.Order());
        Assert.Equal(2800, files["/etc/largest"].Length);
    }

    [Fact]
    public async Task A_build_that_dies_while_the_agent_is_asked_is_taken_up_again_with_the_rest_and_leaves_nothing_in_XenStore()
    {
        await using var hosts = await TwoHosts.StartAsync(Used);
        var server = hosts.NewInstance() with { KeyData = Key };
        var step = Step(hosts, server);
        var died = 0;
        for (var patience = TimeSpan.FromMilliseconds(300); ; patience += TimeSpan.FromMilliseconds(300))
        {
            using var death = new CancellationTokenSource();
            var building = hosts.SourceDriver.SpawnAsync(step, death.Token);
            if (await Task.WhenAny(building, Task.Delay(patience)) == building)
            {
                await building;
                break;
            }

            await death.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => building);
            died++;
        }

        Assert.True(died > 0);

        // As another process would run it, without the first one's note, and once more with it.
        await hosts.SourceDriver.SpawnAsync(Step(hosts, server), CancellationToken.None);
        await hosts.SourceDriver.SpawnAsync(step, CancellationToken.None);
        await Wait.UntilAsync(async () => (await NodesAsync(hosts.Source)).Count == 0, "nothing is left in XenStore");
        await hosts.WriteAsync(server);
        await TwoHosts.StopAsync(hosts.Source, server);
        await ProveAsync(await hosts.Source.LeafAsync(server), Password);
    }

    [Fact]
    public async Task A_rebuild_and_a_rescue_give_the_guest_its_password_too()
    {
        await using var hosts = await TwoHosts.StartAsync(Used);
        var server = await SpawnAsync(hosts);
        await hosts.SourceDriver.RebuildAsync(
            new TestInstanceStep { Instance = server, RequestId = "req-2", Image = hosts.Step(server, withImage: true).Image, AdminPassword = "rebuilt" }, CancellationToken.None);
        await hosts.WriteAsync(server);
        var own = await hosts.Source.LeafAsync(server);
        await hosts.SourceDriver.RescueAsync(
            new TestInstanceStep { Instance = server, RequestId = "req-3", Image = hosts.Step(server, withImage: true).Image, AdminPassword = "rescued" }, CancellationToken.None);

        var rescue = Assert.Single(await hosts.Source.VmsAsync(), v => v.Value["other_config"]!["nova_rescue"]?.GetValue<string>() == server.Uuid).Value;
        Assert.True(Is("rebuilt", await FilesAsync(own)));
        Assert.True(Is("rescued", await FilesAsync(await hosts.Source.LeafAsync(rescue))));
        await ChangeAsync(hosts, hosts.SourceDriver, server, "while-rescued");
        Assert.True(Is("rebuilt", await FilesAsync(own)));
        Assert.True(Is("while-rescued", await FilesAsync(await hosts.Source.LeafAsync(rescue))));
    }

    [Fact]
    public async Task What_is_encrypted_is_what_openssl_reads()
    {
        using var openssl = Process.Start(new ProcessStartInfo("openssl", ["enc", "-d", "-aes-128-cbc", "-md", "md5", "-nosalt", "-a", "-A", "-pass", "pass:65932873091"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        await openssl.StandardInput.WriteAsync(SharedKey.Encrypt(Password + "\n", "65932873091"u8.ToArray()));
        openssl.StandardInput.Close();
        var read = await openssl.StandardOutput.ReadToEndAsync();
        await openssl.WaitForExitAsync();
        Assert.Equal((0, Password + "\n"), (openssl.ExitCode, read));

        // Both sides come to the same key, whatever the numbers are.
        SharedKey one = new(), two = new();
        Assert.NotEqual(one.Public, two.Public);
        Assert.Equal(one.Encrypt("x", two.Public), two.Encrypt("x", one.Public));
        foreach (var useless in new[] { "0", "1", "162259276829213363391578010288126", "-5", "x" })
        {
            Assert.Throws<FormatException>(() => one.Encrypt("x", useless));
        }
    }

    private static TestInstanceStep Step(TwoHosts hosts, Instance server) => new()
    {
        Instance = server, RequestId = "req-test", Image = hosts.Step(server, withImage: true).Image, AdminPassword = Password,
        InjectedFiles = [new InjectedFile("/etc/motd", Encoding.UTF8.GetBytes(FileText))],
    };

    private static async Task<Instance> SpawnAsync(TwoHosts hosts)
    {
        var server = hosts.NewInstance() with { KeyData = Key };
        await hosts.SourceDriver.SpawnAsync(Step(hosts, server), CancellationToken.None);
        await hosts.WriteAsync(server);
        return server;
    }

    private static Task ChangeAsync(TwoHosts hosts, VirtDriver driver, Instance server, string password) =>
        driver.SetAdminPasswordAsync(new TestInstanceStep { Instance = server, RequestId = "r", AdminPassword = password }, CancellationToken.None);

    private static async Task ProveAsync(string leaf, string password)
    {
        await TwoHosts.ProveJournalAsync(leaf);
        var files = await FilesAsync(leaf);
        Assert.Contains(Key, Encoding.UTF8.GetString(files["/root/.ssh/authorized_keys"]), StringComparison.Ordinal);
        Assert.Equal(FileText, Encoding.UTF8.GetString(files["/etc/motd"]));
        Assert.True(Is(password, files));
    }

    private static async Task<Dictionary<string, byte[]>> FilesAsync(string leaf) =>
        JsonNode.Parse(await SimulatorProgram.RunAsync("files", "--vhd", leaf))!.AsArray().ToDictionary(f => f!["path"]!.ToString(), f => Convert.FromBase64String(f!["content"]!.ToString()));

    private static bool Is(string password, Dictionary<string, byte[]> files)
    {
        var parts = Encoding.UTF8.GetString(files["/etc/shadow"]).Split(':')[1].Split('$');
        var hash = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), Convert.FromBase64String(parts[3]), int.Parse(parts[2], System.Globalization.CultureInfo.InvariantCulture), HashAlgorithmName.SHA512, 64);
        return hash.SequenceEqual(Convert.FromBase64String(parts[4]));
    }

    private static async Task<bool> PythonAgreesAsync(string leaf)
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "NovaShim.sln")))
        {
            folder = folder.Parent;
        }

        using var python = Process.Start(new ProcessStartInfo(
            "/usr/bin/python3", [Path.Combine(folder.FullName, "compat", "xenserver-simulator", "journal.py"), leaf, "files"]) { RedirectStandardOutput = true })!;
        var said = await python.StandardOutput.ReadToEndAsync();
        await python.WaitForExitAsync();
        var theirs = JsonNode.Parse(said)!.AsArray().ToDictionary(f => f!["path"]!.ToString(), f => f!["content"]!.ToString());
        var ours = (await FilesAsync(leaf)).ToDictionary(f => f.Key, f => Convert.ToBase64String(f.Value));
        return python.ExitCode == 0 && ours.Count == 3 && ours.OrderBy(f => f.Key).SequenceEqual(theirs.OrderBy(f => f.Key));
    }

    /// <summary>What is left of requests and answers in a host's XenStore.</summary>
    private static Task<IReadOnlyList<string>> NodesAsync(SimulatedHost host)
    {
        var domains = Path.Combine(host.Root, "dom0", "var", "lib", "xenstored", "nodes", "local", "domain");
        IReadOnlyList<string> found = [.. Directory.GetDirectories(domains).SelectMany(d => Sides.Select(s => Path.Combine(d, "data", s)))
            .Where(Directory.Exists).SelectMany(d => Directory.GetDirectories(d))];
        return Task.FromResult(found);
    }
}
