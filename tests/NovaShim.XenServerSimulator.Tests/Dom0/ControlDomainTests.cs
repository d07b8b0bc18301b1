using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using NovaShim.XenServerSimulator.Dom0;

namespace NovaShim.XenServerSimulator.Tests.Dom0;

public sealed class ControlDomainTests
{
    [Fact]
    public async Task A_session_has_its_own_home_and_path_and_its_authorized_keys_are_what_sshd_reads()
    {
        await using TwoHosts hosts = await TwoHosts.StartAsync();

        string[] said = (await hosts.RunAsync(hosts.One, "echo \"$HOME\"; which ssh vhd-util; which rsync rrsync sha256sum; cat \"$HOME/.ssh/authorized_keys\"")).Split('\n');

        string dom0 = Path.Combine(hosts.RootOne, "dom0");
        Assert.Equal(
            [Path.Combine(dom0, "root"), Path.Combine(dom0, "bin", "ssh"), Path.Combine(dom0, "bin", "vhd-util"), "/usr/bin/rsync", "/usr/bin/rrsync", "/usr/bin/sha256sum"],
            said[..6]);
        Assert.StartsWith(await DomainFolder.PublicKeyAsync(hosts.One.PrivateKeyFile, CancellationToken.None), said[6], StringComparison.Ordinal);
        await hosts.RunAsync(hosts.One, "mkdir d && mv d e && stat e && find e && df . && cat /proc/self/status > e/f && rm -r e");

        // A key added in a session works at once; taken away, no more.
        await hosts.RunAsync(hosts.One, "ssh-keygen -q -t ed25519 -N '' -f \"$HOME/new\" && cp \"$HOME/.ssh/authorized_keys\" \"$HOME/before\" && cat \"$HOME/new.pub\" >> \"$HOME/.ssh/authorized_keys\"");
        string[] asNew = [.. hosts.Ssh(hosts.One).Select(a => a == hosts.One.PrivateKeyFile ? Path.Combine(dom0, "root", "new") : a)];
        await HostFolder.SucceedAsync("/usr/bin/ssh", [.. asNew, "true"]);
        await hosts.RunAsync(hosts.One, "mv \"$HOME/before\" \"$HOME/.ssh/authorized_keys\"");
        Assert.Equal(255, (await HostFolder.RunAsync("/usr/bin/ssh", [.. asNew, "true"])).Exit);
        Assert.NotEqual(hosts.One.HostKey, hosts.Two.HostKey);
    }

    [Fact]
    public async Task The_dom0_s_vhd_util_is_the_simulator_s_own()
    {
        await using TwoHosts hosts = await TwoHosts.StartAsync();

        string said = await hosts.RunAsync(hosts.One, "cd \"$HOME\" && vhd-util create -n a.vhd -s 10 && vhd-util query -n a.vhd -v && vhd-util check -n a.vhd");

        Assert.Equal("10\na.vhd is valid\n", said);
        Assert.Equal(2, (await hosts.TryAsync(hosts.One, "vhd-util query -n nothing.vhd -v")).Exit);
    }

    [Fact]
    public async Task A_restricted_key_lets_rsync_put_files_into_its_folder_and_nothing_else()
    {
        await using TwoHosts hosts = await TwoHosts.StartAsync();
        string staging = Path.Combine(hosts.RootTwo, "images", "instance1");
        string rsync = await hosts.TrustAsync(staging);
        await hosts.RunAsync(hosts.One, "head -c 20000000 /dev/urandom > \"$HOME/.ssh/base.vhd\"");

        await hosts.RunAsync(hosts.One, $"{rsync} --partial --inplace base.vhd {hosts.Target}");

        string sum = await hosts.RunAsync(hosts.One, "sha256sum < \"$HOME/.ssh/base.vhd\"");
        Assert.Equal(sum, await hosts.RunAsync(hosts.Two, $"sha256sum < '{staging}/base.vhd'"));
        Assert.Equal(12, (await hosts.TryAsync(hosts.One, $"{rsync} {hosts.Target}base.vhd back.vhd")).Exit);
        string key = Path.Combine(hosts.RootOne, "dom0", "root", ".ssh", "id_migration");
        string[] shell = [.. hosts.Ssh(hosts.Two).Select(a => a == hosts.Two.PrivateKeyFile ? key : a)];
        Assert.NotEqual(0, (await HostFolder.RunAsync("/usr/bin/ssh", [.. shell, "touch intruded"])).Exit);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cutting_either_host_ends_the_copy_between_them_but_not_the_administrator_s_way_in(bool source)
    {
        await using TwoHosts hosts = await TwoHosts.StartAsync();
        string staging = Path.Combine(hosts.RootTwo, "staging");
        string rsync = await hosts.TrustAsync(staging);
        await hosts.RunAsync(hosts.One, "head -c 60000000 /dev/urandom > \"$HOME/.ssh/base.vhd\"");
        string cut = source ? hosts.RootOne : hosts.RootTwo;
        await NetworkAsync("--root", hosts.RootTwo, "slow", "4000000");
        Task<(int Exit, string Out, string Error)> copying = hosts.TryAsync(hosts.One, $"{rsync} --partial --inplace base.vhd {hosts.Target}");
        FileInfo partial = new(Path.Combine(staging, "base.vhd"));
        await HostFolder.UntilAsync(
            () =>
            {
                partial.Refresh();
                return partial.Exists && partial.Length > 0;
            },
            "the copy has begun");

        await NetworkAsync("--root", cut, "cut");

        Assert.True((await copying).Exit is 10 or 11 or 12 or 255, $"{await copying}");
        Assert.NotEqual(0, (await hosts.TryAsync(hosts.One, $"{rsync} base.vhd {hosts.Target}")).Exit);
        Assert.Equal("here\n", await hosts.RunAsync(hosts.One, "echo here"));
        Assert.Equal("here\n", await hosts.RunAsync(hosts.Two, "echo here"));

        await NetworkAsync("--root", cut, "cut", "--all");
        Assert.Equal(255, (await hosts.TryAsync(source ? hosts.One : hosts.Two, "true")).Exit);
        Assert.Equal("here\n", await hosts.RunAsync(source ? hosts.Two : hosts.One, "echo here"));

        await NetworkAsync("--root", cut, "heal");
        await NetworkAsync("--root", hosts.RootTwo, "heal");
        await hosts.RunAsync(hosts.One, $"{rsync} --partial --inplace base.vhd {hosts.Target}");
        Assert.Equal(
            await hosts.RunAsync(hosts.One, "sha256sum < \"$HOME/.ssh/base.vhd\""),
            await hosts.RunAsync(hosts.Two, $"sha256sum < '{staging}/base.vhd'"));
    }

    [Fact]
    public async Task What_a_noisy_network_spoils_ends_the_copy_and_never_arrives()
    {
        await using TwoHosts hosts = await TwoHosts.StartAsync();
        string staging = Path.Combine(hosts.RootTwo, "staging");
        string rsync = await hosts.TrustAsync(staging);
        await hosts.RunAsync(hosts.One, "head -c 8000000 /dev/urandom > \"$HOME/.ssh/base.vhd\"");
        await NetworkAsync("--root", hosts.RootTwo, "noisy", "3000000");

        (int exit, _, string error) = await hosts.TryAsync(hosts.One, $"{rsync} --partial --inplace base.vhd {hosts.Target}");
        Assert.True(exit is 10 or 11 or 12 or 255, $"{exit} {error}");
        Assert.Equal("here\n", await hosts.RunAsync(hosts.Two, "echo here"));

        await NetworkAsync("--root", hosts.RootTwo, "heal");
        long arrived = new FileInfo(Path.Combine(staging, "base.vhd")).Length;
        Assert.InRange(arrived, 1, 4_000_000);
        string first = $"head -c {arrived} ";
        Assert.Equal(await hosts.RunAsync(hosts.One, first + "\"$HOME/.ssh/base.vhd\" | sha256sum"), await hosts.RunAsync(hosts.Two, first + $"'{staging}/base.vhd' | sha256sum"));
    }

    [Fact]
    public async Task An_sshd_that_is_killed_takes_its_sessions_along_and_comes_back_on_its_port()
    {
        await using TwoHosts hosts = await TwoHosts.StartAsync();
        int port = hosts.Two.SshPort;
        Task<(int Exit, string Out, string Error)> session = hosts.TryAsync(hosts.Two, "echo begun > \"$HOME/begun\"; sleep 600");
        await HostFolder.UntilAsync(() => File.Exists(Path.Combine(hosts.RootTwo, "dom0", "root", "begun")), "the session has begun");
        string connected = Path.Combine(hosts.RootOne, "connected");
        Task<(int Exit, string Out, string Error)> idle = HostFolder.RunAsync("/usr/bin/ssh", ["-N", "-o", "PermitLocalCommand=yes", "-o", $"LocalCommand=touch '{connected}'", .. hosts.Ssh(hosts.Two)]);
        await HostFolder.UntilAsync(() => File.Exists(connected), "a connection without a command stands");

        await hosts.Two.RestartSshdAsync(TimeSpan.FromSeconds(1), strange: false, CancellationToken.None);
        Assert.NotEqual(0, (await session).Exit);
        Assert.Equal(255, (await idle).Exit);
        Assert.Equal(255, (await hosts.TryAsync(hosts.Two, "true")).Exit);

        // A second restart waits for the first.
        await hosts.Two.RestartSshdAsync(TimeSpan.Zero, strange: false, CancellationToken.None);
        Assert.Equal(port, hosts.Two.SshPort);
        Assert.Equal("here\n", await hosts.RunAsync(hosts.Two, "echo here"));
    }

    [Fact]
    public async Task A_stranger_on_the_host_s_port_is_told_by_its_key()
    {
        await using TwoHosts hosts = await TwoHosts.StartAsync();
        await hosts.Two.RestartSshdAsync(TimeSpan.Zero, strange: true, CancellationToken.None);
        Assert.True(hosts.Two.IsStrange);
        (int exit, _, string error) = await hosts.TryAsync(hosts.Two, "true");
        Assert.Equal(255, exit);
        Assert.Contains("Host key verification failed", error, StringComparison.Ordinal);

        await hosts.Two.RestartSshdAsync(TimeSpan.Zero, strange: false, CancellationToken.None);
        Assert.Equal("here\n", await hosts.RunAsync(hosts.Two, "echo here"));
    }

    [Fact]
    public async Task A_slow_network_carries_its_rate_and_a_healed_one_does_not_hold_back()
    {
        await using TwoHosts hosts = await TwoHosts.StartAsync();
        string rsync = await hosts.TrustAsync(Path.Combine(hosts.RootTwo, "staging"));
        await hosts.RunAsync(hosts.One, "head -c 8000000 /dev/urandom > \"$HOME/.ssh/base.vhd\"");
        await NetworkAsync("--root", hosts.RootOne, "slow", "2000000");

        Stopwatch slow = Stopwatch.StartNew();
        await hosts.RunAsync(hosts.One, $"{rsync} base.vhd {hosts.Target}one");
        Assert.InRange(slow.Elapsed, TimeSpan.FromSeconds(3.9), TimeSpan.FromSeconds(30));

        // Management is not slowed: eight megabytes would take four seconds.
        Stopwatch management = Stopwatch.StartNew();
        await HostFolder.SucceedAsync("/bin/sh", ["-c", "ssh \"$@\" 'cat .ssh/base.vhd' > /dev/null", "sh", .. hosts.Ssh(hosts.One)]);
        Assert.True(management.Elapsed < TimeSpan.FromSeconds(3.5), $"management took {management.Elapsed}");

        await NetworkAsync("--root", hosts.RootOne, "heal");
        Stopwatch healed = Stopwatch.StartNew();
        await hosts.RunAsync(hosts.One, $"{rsync} base.vhd {hosts.Target}two");
        Assert.True(healed.Elapsed < slow.Elapsed, $"healed {healed.Elapsed}, slow {slow.Elapsed}");
    }

    [Fact]
    public async Task A_restart_keeps_keys_and_port_and_the_network_s_condition()
    {
        using HostFolder folder = new();
        ControlDomain first = await TwoHosts.StartAsync("xen1", folder["root"]);
        (string hostKey, int port) = (first.HostKey, first.SshPort);
        string userKey = await File.ReadAllTextAsync(first.PrivateKeyFile);
        await NetworkAsync("--root", folder["root"], "cut", "--all");
        await first.DisposeAsync();

        await using ControlDomain second = await TwoHosts.StartAsync("xen1", folder["root"], port);

        Assert.Equal((hostKey, port, userKey), (second.HostKey, second.SshPort, await File.ReadAllTextAsync(second.PrivateKeyFile)));
        await File.WriteAllTextAsync(folder["known_hosts"], $"[127.0.0.1]:{port} {hostKey}\n");
        string[] ssh = ["-F", "none", "-i", second.PrivateKeyFile, "-p", $"{port}", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=" + folder["known_hosts"], $"{second.SshUser}@127.0.0.1", "true"];
        Assert.Equal(255, (await HostFolder.RunAsync("/usr/bin/ssh", ssh)).Exit);
        await NetworkAsync("--root", folder["root"], "heal");
        await HostFolder.SucceedAsync("/usr/bin/ssh", ssh);
        Assert.Single(await File.ReadAllLinesAsync(Path.Combine(folder["root"], "dom0", "root", ".ssh", "authorized_keys")));
    }

    [Fact]
    public async Task A_simulator_that_is_killed_takes_its_sshd_and_every_session_with_it()
    {
        using HostFolder folder = new();
        ProcessStartInfo start = new(HostFolder.Program, ["--name", "xen1", "--root", folder["root"], "--ready", folder["ready"]])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process simulator = Process.Start(start)!;
        simulator.BeginOutputReadLine();
        simulator.BeginErrorReadLine();
        Task<(int Exit, string Out, string Error)> session;
        int sshd, sleeping = 0;
        try
        {
            await HostFolder.UntilAsync(() => File.Exists(folder["ready"]), "the host is ready");
            using JsonDocument ready = JsonDocument.Parse(await File.ReadAllTextAsync(folder["ready"]));
            string dom0 = Path.Combine(folder["root"], "dom0");
            sshd = int.Parse(await File.ReadAllTextAsync(Path.Combine(dom0, "run", "sshd.pid")), CultureInfo.InvariantCulture);
            await File.WriteAllTextAsync(
                folder["known_hosts"], $"[127.0.0.1]:{ready.RootElement.GetProperty("ssh_port").GetInt32()} {ready.RootElement.GetProperty("ssh_host_key").GetString()}\n");
            session = HostFolder.RunAsync(
                "/usr/bin/ssh",
                "-F", "none", "-i", ready.RootElement.GetProperty("ssh_private_key_file").GetString()!, "-p", $"{ready.RootElement.GetProperty("ssh_port").GetInt32()}",
                "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=" + folder["known_hosts"],
                $"{ready.RootElement.GetProperty("ssh_user").GetString()}@127.0.0.1", "echo $$ > \"$HOME/pid\"; exec sleep 1000");
            string pid = Path.Combine(dom0, "root", "pid");
            await HostFolder.UntilAsync(() => File.Exists(pid) && int.TryParse(File.ReadAllText(pid), CultureInfo.InvariantCulture, out sleeping), "the session runs");
            Assert.True(Lives(sshd) && Lives(sleeping));
        }
        finally
        {
            simulator.Kill();
            await simulator.WaitForExitAsync();
        }

        await HostFolder.UntilAsync(() => !Lives(sshd) && !Lives(sleeping), "sshd and the session are gone");
        Assert.Equal(255, (await session).Exit);
    }

    [Fact]
    public async Task What_was_left_running_on_a_folder_is_ended_before_the_next_start()
    {
        using HostFolder folder = new();
        ControlDomain earlier = await TwoHosts.StartAsync("xen1", folder["root"]);
        int orphan = int.Parse(await File.ReadAllTextAsync(Path.Combine(folder["root"], "dom0", "run", "sshd.pid")), CultureInfo.InvariantCulture);

        // The watchdog is sshd's parent: killed, it can end nothing.
        string[] status = await File.ReadAllLinesAsync($"/proc/{orphan}/status");
        int watchdog = int.Parse(status.Single(line => line.StartsWith("PPid:", StringComparison.Ordinal))[5..], CultureInfo.InvariantCulture);
        Process.GetProcessById(watchdog).Kill();
        await HostFolder.UntilAsync(() => !Lives(watchdog), "the watchdog is dead");
        Assert.True(Lives(orphan));
        await earlier.DisposeAsync();
        Assert.True(Lives(orphan));

        await using ControlDomain next = await TwoHosts.StartAsync("xen1", folder["root"]);

        Assert.False(Lives(orphan));
    }

    [Fact]
    public async Task A_folder_that_sshd_cannot_name_and_a_port_that_is_taken_are_refused_clearly()
    {
        using HostFolder folder = new();
        await Assert.ThrowsAsync<ArgumentException>(() => TwoHosts.StartAsync("xen1", folder["50%"]));
        await using ControlDomain one = await TwoHosts.StartAsync("xen1", folder["a"]);
        IOException taken = await Assert.ThrowsAsync<IOException>(() => TwoHosts.StartAsync("xen2", folder["b"], one.SshPort));
        Assert.Contains($"{one.SshPort}", taken.Message, StringComparison.Ordinal);
    }

    private static Task<string> NetworkAsync(params IEnumerable<string> arguments) => HostFolder.SucceedAsync(HostFolder.Program, ["network", .. arguments]);

    /// <summary>A zombie, whose parent has not looked at it yet, is dead.</summary>
    private static bool Lives(int id)
    {
        try
        {
            return !File.ReadAllText($"/proc/{id}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
