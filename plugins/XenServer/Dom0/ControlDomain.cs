using System.Text;
using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using Renci.SshNet;
using Renci.SshNet.Common;

namespace NovaShim.XenServer.Dom0;

/// <summary>
/// The host's dom0 over SSH: runs scripts there. Talks only to the host key it was given. One connection, made when first needed and again when it broke, and more
/// of them when much runs at once. Safe for concurrent use.
/// </summary>
internal sealed partial class ControlDomain(XenServerSettings settings, TimeProvider time, ILogger<ControlDomain> log) : IAsyncDisposable
{
    private const int MaxMessage = 600;

    // sshd lets one connection run ten commands at once; what is more gets connections of its own.
    private const int MaxShared = 6;
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(20);

    private readonly SemaphoreSlim _connecting = new(1, 1);
    private SshClient? _client;
    private int _running;

    /// <summary>Runs a script in dom0 (see <see cref="Shell.Script"/>) and returns its standard output.</summary>
    /// <param name="what">What it does, for messages.</param>
    /// <param name="script">The script.</param>
    /// <param name="arguments">Its arguments, of any content.</param>
    /// <param name="cancellation">Ends the script.</param>
    /// <exception cref="Dom0Exception">It could not be run, or exited with another status than 0.</exception>
    public Task<string> RunAsync(string what, string script, IEnumerable<string> arguments, CancellationToken cancellation) =>
        RunAsync(what, script, arguments, settings.CommandTimeout, onOutput: null, cancellation);

    /// <summary>Runs a script in dom0, handing over its standard output as it comes.</summary>
    /// <param name="what">What it does, for messages.</param>
    /// <param name="script">The script. Its standard input stays open for as long as somebody here waits for it.</param>
    /// <param name="arguments">Its arguments, of any content.</param>
    /// <param name="within">How long it may take.</param>
    /// <param name="onOutput">Gets the output, a line (ended by a newline or a carriage return) at a time, on another thread; null: it is only returned.</param>
    /// <param name="cancellation">Ends the script.</param>
    /// <exception cref="Dom0Exception">It could not be run, did not end in time, or exited with another status than 0.</exception>
    public async Task<string> RunAsync(
        string what, string script, IEnumerable<string> arguments, TimeSpan within, Action<string>? onOutput, CancellationToken cancellation)
    {
        using var deadline = new Deadline(within, time, cancellation);
        SshClient? own = null;
        try
        {
            var client = Interlocked.Increment(ref _running) <= MaxShared ? await ConnectAsync(deadline.Token) : own = await OpenAsync(deadline.Token);
            using var command = client.CreateCommand(Shell.Script(script, arguments));
            LogRun(settings.SshHost, settings.SshPort, what);
            var running = command.ExecuteAsync(deadline.Token);
            var reading = Task.Run(() => Read(command.OutputStream, onOutput), CancellationToken.None);
            while (await Task.WhenAny(running, Task.Delay(ProbeInterval, time, deadline.Token)) != running && !deadline.Token.IsCancellationRequested)
            {
                await ProbeAsync(client, what, deadline.Token);
            }

            await running;
            var output = await reading;
            if (command.ExitStatus == 0)
            {
                return output;
            }

            var said = Tail(command.Error.Trim() is { Length: > 0 } error ? error : output.Trim());
            throw new Dom0Exception(
                $"{what} in dom0 of {settings.SshHost} failed ({(command.ExitStatus is { } status ? $"exit status {status}" : "ended by signal " + command.ExitSignal)}): {said}",
                command.ExitStatus ?? -1, said);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new Dom0Exception($"{what} in dom0 of {settings.SshHost} was not done within {within.TotalSeconds:0.#} s.");
        }
        catch (Exception e) when (e is SshException or System.Net.Sockets.SocketException or ObjectDisposedException or IOException)
        {
            cancellation.ThrowIfCancellationRequested();
            throw new Dom0Exception($"{what}: the connection to dom0 of {settings.SshHost} (port {settings.SshPort}) failed: {e.Message}", inner: e);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
            own?.Dispose();
        }
    }

    public ValueTask DisposeAsync()
    {
        _client?.Dispose();
        _connecting.Dispose();
        return ValueTask.CompletedTask;
    }

    // A connection that is cut without a word would be waited for until the command's time is up, which for a copy is long.
    private async Task ProbeAsync(SshClient client, string what, CancellationToken cancellation)
    {
        using var deadline = new Deadline(settings.CommandTimeout, time, cancellation);
        using var probe = client.CreateCommand(":");
        try
        {
            await probe.ExecuteAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            client.Dispose();
            throw new Dom0Exception($"{what}: dom0 of {settings.SshHost} (port {settings.SshPort}) does not answer any more.");
        }
    }

    private async Task<SshClient> ConnectAsync(CancellationToken cancellation)
    {
        if (_client is { IsConnected: true } connected)
        {
            return connected;
        }

        await _connecting.WaitAsync(cancellation);
        try
        {
            if (_client is { IsConnected: true } made)
            {
                return made;
            }

            _client?.Dispose();
            _client = null;
            return _client = await OpenAsync(cancellation);
        }
        finally
        {
            _connecting.Release();
        }
    }

    private async Task<SshClient> OpenAsync(CancellationToken cancellation)
    {
        var client = NewClient(out var stranger);
        try
        {
            await client.ConnectAsync(cancellation);
        }
        catch (Exception e)
        {
            client.Dispose();
            if (e is SshConnectionException && stranger() is { } key)
            {
                throw new StepFailedException(
                    $"dom0 of {settings.SshHost} (port {settings.SshPort}) shows another host key ({key}) than the ssh_host_key of its configuration. Nothing was sent to it. "
                    + "If the host was reinstalled, set its new key; if not, find out who answers there.", StepRecovery.Retry, e);
            }

            if (e is SshAuthenticationException)
            {
                throw new StepFailedException($"dom0 of {settings.SshHost} refuses the key of {settings.SshUser} (ssh_private_key_file).", StepRecovery.Retry, e);
            }

            throw;
        }

        LogConnected(settings.SshHost, settings.SshPort);
        return client;
    }

    private SshClient NewClient(out Func<string?> stranger)
    {
        if (!SshSyntax.TryPublicKey(settings.SshHostKey, out var pinned))
        {
            throw new StepFailedException("ssh_host_key is no SSH public key.");
        }

        PrivateKeyFile key;
        try
        {
            key = new PrivateKeyFile(settings.SshPrivateKeyFile, settings.SshPrivateKeyPassphrase);
        }
        catch (Exception e) when (e is SshException or IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new StepFailedException($"The private key for dom0 of {settings.SshHost}, {settings.SshPrivateKeyFile}, cannot be read: {e.Message}", StepRecovery.Retry, e);
        }

        var connection = new ConnectionInfo(settings.SshHost, settings.SshPort, settings.SshUser, new PrivateKeyAuthenticationMethod(settings.SshUser, key))
        {
            Timeout = settings.CommandTimeout,
            Encoding = Encoding.UTF8,
        };

        // Only the pinned kind of key is asked for: a host that has several shows the one that is known.
        foreach (var algorithm in connection.HostKeyAlgorithms.Keys.Where(a => !Proves(a, pinned.Type)).ToList())
        {
            connection.HostKeyAlgorithms.Remove(algorithm);
        }

        string? refused = null;
        var client = new SshClient(connection) { KeepAliveInterval = KeepAlive };
        client.HostKeyReceived += (_, shown) =>
        {
            shown.CanTrust = shown.HostKey.AsSpan().SequenceEqual(pinned.Blob);
            refused = shown.CanTrust ? null : "SHA256:" + shown.FingerPrintSHA256;
        };
        stranger = () => refused;
        return client;
    }

    private static bool Proves(string algorithm, string keyType) =>
        algorithm == keyType || (keyType == "ssh-rsa" && algorithm is "rsa-sha2-256" or "rsa-sha2-512");

    private static string Read(Stream output, Action<string>? onLine)
    {
        using var reader = new StreamReader(output, Encoding.UTF8);
        if (onLine is null)
        {
            return reader.ReadToEnd();
        }

        // Only the last lines are kept: a copy of days says a lot.
        var line = new StringBuilder();
        var last = "";
        var buffer = new char[4096];
        for (int read; (read = reader.Read(buffer)) > 0;)
        {
            foreach (var c in buffer.AsSpan(0, read))
            {
                if (c is not ('\r' or '\n'))
                {
                    line.Append(c);
                }
                else if (line.Length > 0)
                {
                    onLine(last = line.ToString());
                    line.Clear();
                }
            }
        }

        if (line.Length > 0)
        {
            onLine(last = line.ToString());
        }

        return last;
    }

    private static string Tail(string text) => text.Length <= MaxMessage ? text : "…" + text[^MaxMessage..];

    [LoggerMessage(Level = LogLevel.Debug, Message = "dom0 {Host}:{Port}: {What}")]
    private partial void LogRun(string host, int port, string what);

    [LoggerMessage(Level = LogLevel.Information, Message = "Connected to dom0 {Host}:{Port}, whose host key is the expected one")]
    private partial void LogConnected(string host, int port);
}
