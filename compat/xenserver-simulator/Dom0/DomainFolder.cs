using System.Buffers;
using System.Diagnostics;
using System.Net;
using NovaShim.XenServerSimulator.Dom0.Xenstored;

namespace NovaShim.XenServerSimulator.Dom0;

/// <summary>The files of a control domain, all of them under <c>&lt;root&gt;/dom0/</c>: what is laid down at each start and what is kept.</summary>
internal sealed class DomainFolder
{
    /// <summary>Where sshd's children look for commands after <c>dom0/bin</c>.</summary>
    private const string SystemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private static readonly SearchValues<char> Unnameable = SearchValues.Create("\"'\\%$`#");

    private readonly string _folder;

    /// <exception cref="ArgumentException">The path has a character that sshd's configuration cannot carry.</exception>
    public DomainFolder(string root)
    {
        Root = Path.GetFullPath(root);
        _folder = Path.Combine(Root, "dom0");
        if (Root.AsSpan().ContainsAny(Unnameable) || Root.Any(char.IsControl))
        {
            throw new ArgumentException($"sshd's configuration cannot name the folder {Root}: choose one without quotes, backslashes, dollar and percent signs.", nameof(root));
        }
    }

    public string Root { get; }

    /// <summary>First in PATH.</summary>
    public string Bin => Path.Combine(_folder, "bin");

    /// <summary>root's home: HOME in every session.</summary>
    public string Home => Path.Combine(_folder, "root");

    public string SshdConfig => Path.Combine(_folder, "etc", "sshd_config");

    public string Watchdog => Path.Combine(_folder, "etc", "watchdog.sh");

    public string UserKey => Path.Combine(_folder, "etc", "id_ed25519");

    public string HostKey => Path.Combine(_folder, "etc", "ssh_host_ed25519_key");

    /// <summary>A key that is not the host's: whoever shows it is somebody else.</summary>
    public string StrangeHostKey => Path.Combine(_folder, "etc", "strange_host_ed25519_key");

    public string SshdPid => Path.Combine(_folder, "run", "sshd.pid");

    public string SshdLog => Path.Combine(_folder, "run", "sshd.log");

    private string AuthorizedKeys => Path.Combine(Home, ".ssh", "authorized_keys");

    private string SshConfig => Path.Combine(_folder, "etc", "ssh_config");

    /// <summary>Makes what is missing, keys included, and writes anew what depends on this start. Keys and root's home are kept as they are.</summary>
    /// <param name="address">What this host's own ssh clients bind to.</param>
    /// <param name="ct">Ends the waiting for ssh-keygen.</param>
    public async Task LayDownAsync(IPAddress address, CancellationToken ct)
    {
        foreach (string part in new[] { "bin", "etc", "run" })
        {
            Directory.CreateDirectory(Path.Combine(_folder, part));
        }

        Directory.CreateDirectory(Path.Combine(Home, ".ssh"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await MakeKeyAsync(HostKey, ct);
        await MakeKeyAsync(StrangeHostKey, ct);
        await MakeKeyAsync(UserKey, ct);
        await AuthorizeAsync(await PublicKeyAsync(UserKey, ct), ct);


        // The address stands among the arguments because a caller's own -F takes the place of this one.
        await WriteScriptAsync(Path.Combine(Bin, "ssh"), $"exec /usr/bin/ssh -b {address} -F '{SshConfig}' \"$@\"", ct);
        await WriteScriptAsync(Path.Combine(Bin, "vhd-util"), $"DOTNET_ROOT='{DotnetRoot}' exec '{SimulatorProgram}' vhd-util \"$@\"", ct);
        foreach (string program in XenStoreProgram.Names)
        {
            await WriteScriptAsync(Path.Combine(Bin, program), $"DOTNET_ROOT='{DotnetRoot}' exec '{SimulatorProgram}' {program} '{XenStore.FolderIn(Root)}' \"$@\"", ct);
        }

        await WriteScriptAsync(Watchdog, WatchdogText, ct);

        // sshd starts a session in the account's real home; a bash that sshd starts reads this file before the session's command.
        await File.WriteAllTextAsync(Path.Combine(Home, ".bashrc"), "cd \"$HOME\"\n", ct);

        // The client looks for its files in the account's real home whatever HOME says: name them.
        await File.WriteAllTextAsync(
            SshConfig,
            $"""
            IdentityFile "{Path.Combine(Home, ".ssh", "id_ed25519")}"
            UserKnownHostsFile "{Path.Combine(Home, ".ssh", "known_hosts")}"
            GlobalKnownHostsFile none

            """,
            ct);
    }

    /// <summary>sshd's configuration for that private port and host key; the mark stands in the environment of every session of this start.</summary>
    public Task WriteSshdConfigAsync(int port, string hostKey, string mark, CancellationToken ct) => File.WriteAllTextAsync(
        SshdConfig,
        $"""
        Port {port}
        ListenAddress 127.0.0.1
        HostKey "{hostKey}"
        PidFile "{SshdPid}"
        AuthorizedKeysFile "{AuthorizedKeys}"
        PubkeyAuthentication yes
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        UsePAM no
        PermitRootLogin prohibit-password
        StrictModes no
        AllowTcpForwarding no
        X11Forwarding no
        PrintMotd no
        UseDNS no
        MaxStartups 100
        MaxSessions 100
        LogLevel VERBOSE
        SetEnv "HOME={Home}" "PATH={Bin}:{SystemPath}" "{DomainProcesses.MarkName}={mark}"

        """,
        ct);

    /// <summary>Type and key of a key pair's public half, without its comment.</summary>
    public static async Task<string> PublicKeyAsync(string keyFile, CancellationToken ct)
    {
        string[] parts = (await File.ReadAllTextAsync(keyFile + ".pub", ct)).Split(' ', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return $"{parts[0]} {parts[1]}";
    }

    /// <summary>The program this assembly belongs to; under a test runner that is not the running process.</summary>
    private static string SimulatorProgram => Path.Combine(AppContext.BaseDirectory, "xenserver-simulator");

    private static string DotnetRoot => Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

    /// <summary>
    /// Holds sshd as long as its own standard input is open, which is as long as the simulator lives, however it ends; then ends sshd and every process
    /// that carries this start's mark: a host that is switched off leaves nothing running. A connection on which no command runs has no process with the mark; it is a child of sshd.
    /// </summary>
    private static string WatchdogText =>
        $$"""
        /usr/sbin/sshd -D -f "$1" -E "$2" </dev/null &
        sshd=$!
        read -r _
        kill -STOP "$sshd" 2>/dev/null
        kill -KILL $(cat "/proc/$sshd/task/$sshd/children" 2>/dev/null) "$sshd" 2>/dev/null
        wait "$sshd"
        for environment in /proc/[0-9]*/environ; do
          if tr '\0' '\n' 2>/dev/null <"$environment" | grep -qxF "{{DomainProcesses.MarkName}}=$3"; then
            process=${environment#/proc/}
            kill -KILL "${process%/environ}" 2>/dev/null
          fi
        done
        exit 0
        """;

    private static async Task MakeKeyAsync(string file, CancellationToken ct)
    {
        if (File.Exists(file) && File.Exists(file + ".pub"))
        {
            return;
        }

        File.Delete(file);
        ProcessStartInfo start = new("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "dom0", "-f", file]) { RedirectStandardError = true };
        using Process keygen = Process.Start(start) ?? throw new IOException("ssh-keygen did not start.");
        string said = await keygen.StandardError.ReadToEndAsync(ct);
        await keygen.WaitForExitAsync(ct);
        if (keygen.ExitCode != 0)
        {
            throw new IOException($"ssh-keygen could not make {file}: {said.Trim()}");
        }
    }

    private async Task AuthorizeAsync(string publicKey, CancellationToken ct)
    {
        string present = File.Exists(AuthorizedKeys) ? await File.ReadAllTextAsync(AuthorizedKeys, ct) : "";
        if (present.Split('\n').Any(line => line.StartsWith(publicKey, StringComparison.Ordinal)))
        {
            return;
        }

        string gap = present.Length == 0 || present.EndsWith('\n') ? "" : "\n";
        await File.AppendAllTextAsync(AuthorizedKeys, $"{gap}{publicKey} administrator\n", ct);
        File.SetUnixFileMode(AuthorizedKeys, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static async Task WriteScriptAsync(string file, string text, CancellationToken ct)
    {
        string part = file + ".new";
        await File.WriteAllTextAsync(part, $"#!/bin/sh\n{text}\n", ct);
        File.SetUnixFileMode(part, (UnixFileMode)0b111_101_101);
        File.Move(part, file, overwrite: true);
    }
}
