using System.Globalization;
using Microsoft.Extensions.Configuration;
using NovaShim.Sdk;

namespace NovaShim.XenServer;

/// <summary>What the driver must know of its host, as it stands below the host's entry in the configuration. Holds secrets: never log it.</summary>
internal sealed record XenServerSettings
{
    /// <summary>The pool master's XenAPI, such as <c>https://xen1.example.org</c>.</summary>
    public required Uri Url { get; init; }

    /// <summary>The XenAPI user.</summary>
    public required string Username { get; init; }

    /// <summary>The XenAPI user's password.</summary>
    public required string Password { get; init; }

    /// <summary>SHA-256 of the one TLS certificate that is taken, 64 hexadecimal digits; null: the system's certificate authorities decide.</summary>
    public string? TlsCertificateSha256 { get; init; }

    /// <summary>The storage repository for servers' disks: a file-based one (ext, nfs, file) of this host.</summary>
    public required string SrUuid { get; init; }

    /// <summary>Where dom0 has the storage repository mounted.</summary>
    public required string SrPath { get; init; }

    /// <summary>The address at which the control plane and the other hosts reach dom0's sshd.</summary>
    public required string SshHost { get; init; }

    /// <summary>The port of dom0's sshd.</summary>
    public int SshPort { get; init; } = 22;

    /// <summary>The user in dom0 who may write into the storage repository.</summary>
    public string SshUser { get; init; } = "root";

    /// <summary>The control plane's private key for that user; a file of the machine the control plane runs on.</summary>
    public required string SshPrivateKeyFile { get; init; }

    /// <summary>The passphrase of that key, if it has one.</summary>
    public string? SshPrivateKeyPassphrase { get; init; }

    /// <summary>dom0's host key, <c>ssh-ed25519 AAAA…</c>: whoever shows another is not talked to.</summary>
    public required string SshHostKey { get; init; }

    /// <summary>The bridge that servers' interfaces are put on; where the host has no such network, its first one is taken.</summary>
    public string NetworkBridge { get; init; } = "xenbr0";

    /// <summary>Whether every server that is built or rebuilt here gets a config drive, whether its user asks for one or not.</summary>
    public bool ForceConfigDrive { get; init; }

    /// <summary>Where dom0 keeps the guests' consoles, a file <c>console.&lt;domid&gt;</c> each, if it is told to keep them.</summary>
    public string ConsoleLogPath { get; init; } = "/var/log/xen/guest";

    /// <summary>Whether the agent in guests is talked to, where the image does not say so itself. Waiting for one that is not there makes builds slow.</summary>
    public bool UseAgent { get; init; }

    /// <summary>How long the agent in a guest may take for an answer.</summary>
    public TimeSpan AgentTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long after a start the agent may take to answer at all.</summary>
    public TimeSpan AgentVersionTimeout { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>How long the agent may take to set up the guest's network.</summary>
    public TimeSpan AgentResetNetworkTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a guest may take to shut down before it is switched off.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How often at most a running guest's disks are snapshotted and sent before it is stopped.</summary>
    public int CopyRounds { get; init; } = 4;

    /// <summary>Bytes of unsent disk below which the guest is stopped rather than snapshotted again.</summary>
    public long CopyThresholdBytes { get; init; } = 16L << 20;

    /// <summary>
    /// Whether the destination reads every byte of every disk once more before it starts the server. What was sent while the guest ran has been compared whole then, and is otherwise only looked at for having been written
    /// to since: which a medium that loses bits by itself does not show. The price is downtime by the size of the disks.
    /// </summary>
    public bool ReadAgainBeforeStart { get; init; }

    /// <summary>The most a copy may send, in KiB per second; 0 = no limit.</summary>
    public int BandwidthLimit { get; init; }

    /// <summary>How long a XenAPI call or a short command in dom0 may take.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a XenAPI task (start, snapshot, resize, scan …) may take.</summary>
    public TimeSpan TaskTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long one pass of a copy, an import, or the checking of one disk may take.</summary>
    public TimeSpan TransferTimeout { get; init; } = TimeSpan.FromHours(12);

    /// <summary>How long a transfer may stand still before it is given up.</summary>
    public TimeSpan TransferIdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Reads and checks the settings of a host.</summary>
    /// <exception cref="StepFailedException">Naming every setting that is missing or makes no sense.</exception>
    public static XenServerSettings Read(string host, IConfiguration settings)
    {
        var problems = new List<string>();
        string Required(string key)
        {
            if (settings[key] is { Length: > 0 } value)
            {
                return value;
            }

            problems.Add($"{key} is missing");
            return "";
        }

        double Number(string key, double fallback, double least, double most)
        {
            if (settings[key] is not { Length: > 0 } text)
            {
                return fallback;
            }

            if (double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
            {
                return value;
            }

            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{key} must be a number from {least} to {most}"));
            return fallback;
        }

        bool Flag(string key)
        {
            if (settings[key] is { Length: > 0 } text && !bool.TryParse(text, out _))
            {
                problems.Add($"{key} must be true or false");
            }

            return bool.TryParse(settings[key], out var value) && value;
        }

        TimeSpan Seconds(string key, TimeSpan fallback) => TimeSpan.FromSeconds(Number(key, fallback.TotalSeconds, 0.1, 30 * 86400));

        var defaults = new XenServerSettings
        {
            Url = new Uri("http://unset"), Username = "", Password = "", SrUuid = "", SrPath = "", SshHost = "", SshPrivateKeyFile = "", SshHostKey = "",
        };
        var url = Required("url");
        var read = defaults with
        {
            Username = Required("username"),
            Password = Required("password"),
            TlsCertificateSha256 = settings["tls_certificate_sha256"]?.Replace(":", "", StringComparison.Ordinal),
            SrUuid = Required("sr_uuid"),
            SrPath = Required("sr_path").TrimEnd('/'),
            SshHost = Required("ssh_host"),
            SshPort = (int)Number("ssh_port", defaults.SshPort, 1, 65535),
            SshUser = settings["ssh_user"] is { Length: > 0 } user ? user : defaults.SshUser,
            SshPrivateKeyFile = Required("ssh_private_key_file"),
            SshPrivateKeyPassphrase = settings["ssh_private_key_passphrase"],
            SshHostKey = Required("ssh_host_key").Trim(),
            NetworkBridge = settings["network_bridge"] is { Length: > 0 } bridge ? bridge : defaults.NetworkBridge,
            ConsoleLogPath = settings["console_log_path"] is { Length: > 0 } consoles ? consoles.TrimEnd('/') : defaults.ConsoleLogPath,
            ForceConfigDrive = Flag("force_config_drive"),
            UseAgent = Flag("use_agent"),
            AgentTimeout = Seconds("agent_timeout_seconds", defaults.AgentTimeout),
            AgentVersionTimeout = Seconds("agent_version_timeout_seconds", defaults.AgentVersionTimeout),
            AgentResetNetworkTimeout = Seconds("agent_resetnetwork_timeout_seconds", defaults.AgentResetNetworkTimeout),
            ShutdownTimeout = Seconds("shutdown_timeout_seconds", defaults.ShutdownTimeout),
            CopyRounds = (int)Number("copy_rounds", defaults.CopyRounds, 1, 20),
            CopyThresholdBytes = (long)Number("copy_threshold_bytes", defaults.CopyThresholdBytes, 0, 1L << 42),
            ReadAgainBeforeStart = Flag("read_again_before_start"),
            BandwidthLimit = (int)Number("bandwidth_limit", defaults.BandwidthLimit, 0, int.MaxValue),
            CommandTimeout = Seconds("command_timeout_seconds", defaults.CommandTimeout),
            TaskTimeout = Seconds("task_timeout_seconds", defaults.TaskTimeout),
            TransferTimeout = Seconds("transfer_timeout_seconds", defaults.TransferTimeout),
            TransferIdleTimeout = Seconds("transfer_idle_timeout_seconds", defaults.TransferIdleTimeout),
        };

        if (url.Length > 0)
        {
            if (Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https" && parsed.UserInfo.Length == 0)
            {
                read = read with { Url = parsed };
            }
            else
            {
                problems.Add("url must be an http or https address without user and password in it");
            }
        }

        Check(problems, read.SrUuid, "sr_uuid must be a UUID", value => Guid.TryParseExact(value, "D", out _));
        Check(problems, read.SrPath, "sr_path must be an absolute path without '..' and control characters", IsPlainPath);
        Check(problems, read.ConsoleLogPath, "console_log_path must be an absolute path without '..' and control characters", IsPlainPath);
        Check(problems, read.SshHost, "ssh_host must be a host name or an IP address", Dom0.SshSyntax.IsHost);
        Check(problems, read.SshUser, "ssh_user must be a plain user name", Dom0.SshSyntax.IsUser);
        Check(problems, read.SshHostKey, "ssh_host_key must be a public key such as 'ssh-ed25519 AAAA…'", value => Dom0.SshSyntax.TryPublicKey(value, out _));
        Check(problems, read.SshPrivateKeyFile, $"ssh_private_key_file does not exist: {read.SshPrivateKeyFile}", File.Exists);
        Check(problems, read.TlsCertificateSha256 ?? "", "tls_certificate_sha256 must be 64 hexadecimal digits", value => value.Length == 64 && value.All(char.IsAsciiHexDigit));

        return problems.Count == 0 ? read : throw new StepFailedException($"The settings of host {host} (driver xenserver) cannot be used: {string.Join("; ", problems)}.");
    }

    /// <summary>Names the host only: a record's own text would hold the password.</summary>
    public override string ToString() => $"XenServer at {Url}";

    private static void Check(List<string> problems, string value, string problem, Func<string, bool> valid)
    {
        if (value.Length > 0 && !valid(value))
        {
            problems.Add(problem);
        }
    }

    // A quoted path is safe in a shell; in authorized_keys a control character would end the line.
    private static bool IsPlainPath(string path) => path.StartsWith('/') && !path.Any(char.IsControl) && !path.Split('/').Contains("..");
}
