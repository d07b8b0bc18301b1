using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests;

/// <summary>What a thief of a migration's private key can do with it: write into the migration's own folder, as long as the migration copies, and nothing else.</summary>
public sealed class MigrationKeyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_stolen_key_writes_into_its_folder_and_does_nothing_else()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var run = hosts.Migration(server);
        await run.PrepareAsync();
        var thief = new Thief(hosts);
        var staging = Assert.Single(Directory.GetDirectories(hosts.Destination.SrPath, "novashim-*"));
        var others = Directory.CreateDirectory(Path.Combine(hosts.Destination.SrPath, "others")).FullName;
        await File.WriteAllTextAsync(Path.Combine(others, "disk.vhd"), "somebody else's");
        var loot = Path.Combine(hosts.Folder, "loot.vhd");
        await File.WriteAllTextAsync(loot, "intruded");

        // Its own folder: that is what it is for. All that follows is refused by the same key, not for want of one.
        Assert.Equal(0, await thief.RsyncAsync(loot, thief.At("/loot.vhd")));
        Assert.True(File.Exists(Path.Combine(staging, "loot.vhd")));
        File.Delete(Path.Combine(staging, "loot.vhd"));

        // A shell, with and without a terminal, a copy by other means.
        Assert.NotEqual(0, await thief.SshAsync("touch", Path.Combine(others, "intruded")));
        Assert.NotEqual(0, await thief.SshAsync("-tt"));
        Assert.NotEqual(0, await thief.SshAsync("-s", "sftp"));
        Assert.NotEqual(0, await thief.SshAsync($"rsync --server -logDtpre.iLsfxCIvu . {others}; touch {others}/intruded"));

        // Another path: straight, upwards, and round a link it has put there itself.
        await thief.RsyncAsync(loot, thief.At(others + "/disk.vhd"));
        Assert.NotEqual(0, await thief.RsyncAsync(loot, thief.At("/../others/disk.vhd")));
        Assert.NotEqual(0, await thief.RsyncAsync(loot, thief.At("../others/disk.vhd")));
        var way = Directory.CreateDirectory(Path.Combine(hosts.Folder, "way")).FullName;
        File.CreateSymbolicLink(Path.Combine(way, "out"), others);
        await thief.RsyncAsync(way + "/", thief.At("/"));
        Assert.NotEqual(0, await thief.RsyncAsync(loot, thief.At("/out/disk.vhd")));
        File.Delete(Path.Combine(way, "out"));
        Directory.CreateDirectory(Path.Combine(way, "out"));
        File.Copy(loot, Path.Combine(way, "out", "disk.vhd"));
        Assert.NotEqual(0, await thief.RsyncAsync("--keep-dirlinks", way + "/", thief.At("/")));

        // Reading: what is in the folder, and what is not.
        await File.WriteAllTextAsync(Path.Combine(staging, "arrived.vhd"), "a guest's secrets");
        Assert.NotEqual(0, await thief.RsyncAsync(thief.At("/arrived.vhd"), Path.Combine(hosts.Folder, "read.vhd")));
        Assert.NotEqual(0, await thief.RsyncAsync(thief.At(others + "/disk.vhd"), Path.Combine(hosts.Folder, "read.vhd")));
        Assert.False(File.Exists(Path.Combine(hosts.Folder, "read.vhd")));

        // A way to others through the host, in either direction.
        using var inside = new TcpListener(IPAddress.Loopback, 0);
        inside.Start();
        Assert.NotEqual(0, await thief.SshAsync("-W", inside.LocalEndpoint.ToString()!));
        Assert.NotEqual(0, await thief.SshAsync("-N", "-o", "ExitOnForwardFailure=yes", "-R", $"127.0.0.1:0:{inside.LocalEndpoint}"));
        Assert.False(inside.Pending());

        // None of it has left a trace outside.
        Assert.Equal("somebody else's", await File.ReadAllTextAsync(Path.Combine(others, "disk.vhd")));
        Assert.Equal(["disk.vhd"], Directory.EnumerateFileSystemEntries(others).Select(e => Path.GetFileName(e)));

        // Nor harmed the migration; and when it has copied, the key opens nothing at all.
        Directory.Delete(others, recursive: true);
        await run.CopyAsync();
        await run.FinishAsync();
        Assert.NotEqual(0, await thief.RsyncAsync(loot, thief.At("/loot.vhd")));
        await run.ConfirmAsync();
        await TwoHosts.StopAsync(hosts.Destination, server);
        await TwoHosts.ProveJournalAsync(await hosts.Destination.LeafAsync(server));
    }

    /// <summary>Somebody who has the private key, the host's own key, and the programs.</summary>
    private sealed class Thief
    {
        private readonly string[] _options;
        private readonly string _user;

        public Thief(TwoHosts hosts)
        {
            var facts = hosts.Destination.Ready;
            var key = Path.Combine(hosts.Folder, "stolen");
            File.Copy(Assert.Single(Directory.GetFiles(hosts.Source.Root, "key", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })), key);
            var known = Path.Combine(hosts.Folder, "known");
            File.WriteAllText(known, $"[{facts["ssh_host"]}]:{facts["ssh_port"]} {facts["ssh_host_key"]}\n");
            _options =
            [
                "-F", "none", "-i", key, "-p", facts["ssh_port"], "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "StrictHostKeyChecking=yes",
                "-o", $"UserKnownHostsFile={known}", "-o", "ConnectTimeout=10",
            ];
            _user = $"{facts["ssh_user"]}@{facts["ssh_host"]}";
        }

        public string At(string path) => $"{_user}:{path}";

        /// <param name="arguments">Options, then the command.</param>
        public Task<int> SshAsync(params string[] arguments)
        {
            var command = arguments[0].StartsWith('-') ? arguments.Length : 0;
            return RunAsync("ssh", arguments is ["-s", var subsystem] ? [.. _options, "-s", _user, subsystem] : [.. _options, .. arguments[..command], _user, .. arguments[command..]]);
        }

        public Task<int> RsyncAsync(params string[] arguments) => RunAsync("rsync", ["-rl", "-e", "ssh " + string.Join(' ', _options), .. arguments]);

        private static async Task<int> RunAsync(string program, IEnumerable<string> arguments)
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.StandardInput.Close();
            var said = process.StandardOutput.ReadToEndAsync();
            var complaint = process.StandardError.ReadToEndAsync();
            using var limit = new CancellationTokenSource(Patience);
            try
            {
                await process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                Assert.Fail($"{program} {string.Join(' ', arguments)} was let in: it had to be ended");
            }

            await said;
            await complaint;
            return process.ExitCode;
        }
    }
}
