using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using NovaShim.XenServerSimulator.Guests;
using NovaShim.XenServerSimulator.Host;

namespace NovaShim.XenServerSimulator.CommandLine;

/// <summary><c>xenserver-simulator --name … --root … --ready …</c>: runs a host until SIGTERM.</summary>
internal static class HostCommand
{
    /// <summary>Makes the root command, which runs a host; the other commands are added to it.</summary>
    public static RootCommand Create()
    {
        Option<string> name = new("--name") { Description = "The host's name, e.g. xen1." };
        Option<DirectoryInfo> root = new("--root") { Description = "The folder that keeps everything of the host; started on it again, the host is as it was (running VMs are halted)." };
        Option<int> port = new("--port") { Description = "API port on 127.0.0.1; the last one of this root, or a free one, unless given." };
        Option<int> sshPort = new("--ssh-port") { Description = "Port of dom0's sshd on 127.0.0.1; likewise." };
        Option<string> version = new("--product-version") { Description = "XenServer release to play; decides the API version.", DefaultValueFactory = _ => "8.2.1" };
        Option<long> writeRate = new("--guest-write-rate") { Description = "Bytes per second that every guest writes to its first disk.", DefaultValueFactory = _ => 1 << 20 };
        Option<GuestAgentKind> agent = new("--guest-agent") { Description = "The agent in every guest that answers the control plane over XenStore: on, unix (takes files by the old command only) or off.", DefaultValueFactory = _ => GuestAgentKind.On };
        Option<double> coalesceDelay = new("--coalesce-delay") { Description = "Seconds from a scan or a deletion to the garbage collector's run.", DefaultValueFactory = _ => 10 };
        Option<long> memory = new("--memory") { Description = "The host's memory in MiB.", DefaultValueFactory = _ => 16 * 1024 };
        Option<FileInfo> ready = new("--ready") { Description = "Written when the host can be used: JSON with url, username, password, sr_path, ssh_port and so on." };
        port.Validators.Add(result => RequireRange(result, port, 0, 65535));
        sshPort.Validators.Add(result => RequireRange(result, sshPort, 0, 65535));
        writeRate.Validators.Add(result => RequireRange(result, writeRate, 0, 1L << 34));
        coalesceDelay.Validators.Add(result => RequireRange(result, coalesceDelay, 0, 86400));
        memory.Validators.Add(result => RequireRange(result, memory, 1024, 1L << 30));

        RootCommand command = new("Answers as one XenServer: XenAPI over JSON-RPC and XML-RPC, a storage repository of VHD files, a dom0 behind sshd. SIGTERM ends it.")
        {
            name, root, port, sshPort, version, writeRate, agent, coalesceDelay, memory, ready,
        };
        command.SetAction(async (result, cancellation) =>
        {
            foreach (Option needed in new Option[] { name, root, ready })
            {
                if (result.GetResult(needed) is null)
                {
                    await result.InvocationConfiguration.Error.WriteLineAsync($"{needed.Name} is needed to run a host; see --help.");
                    return 2;
                }
            }

            HostOptions options = new()
            {
                Name = result.GetValue(name)!,
                Root = result.GetValue(root)!.FullName,
                Port = result.GetValue(port),
                SshPort = result.GetValue(sshPort),
                ProductVersion = result.GetValue(version)!,
                GuestWriteRate = result.GetValue(writeRate),
                GuestAgent = result.GetValue(agent),
                CoalesceDelay = TimeSpan.FromSeconds(result.GetValue(coalesceDelay)),
                MemoryMib = result.GetValue(memory),
                Ready = result.GetValue(ready)!.FullName,
            };
            using ILoggerFactory logs = LoggerFactory.Create(logging => logging
                .AddSimpleConsole(console =>
                {
                    console.SingleLine = true;
                    console.TimestampFormat = "HH:mm:ss.fff ";
                })
                .AddFilter("Microsoft", LogLevel.Warning));
            try
            {
                await SimulatedHost.RunAsync(options, logs, cancellation);
                return 0;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return 0;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or SocketException)
            {
                await result.InvocationConfiguration.Error.WriteLineAsync(error.Message);
                return 1;
            }
        });
        return command;
    }

    private static void RequireRange(OptionResult result, Option option, double least, double most)
    {
        if (result.Tokens is [var token]
            && double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && !(value >= least && value <= most))
        {
            result.AddError($"{option.Name} must lie between {least} and {most}.");
        }
    }
}
