using NovaShim.Sdk;
using NovaShim.XenServer.Dom0;

namespace NovaShim.XenServer.Servers;

/// <summary>
/// What a guest has written to its console, from the log that dom0's xenconsoled keeps of each domain once it is told to (<c>xenstore-write /local/logconsole/@ /var/log/xen/guest/console.%d</c>). Nova's XenAPI
/// driver reads the same file, through a plugin of its own in dom0.
/// </summary>
internal sealed class ServerConsole(XenServerHost host, ServerVms vms, Instance instance)
{
    // As much as Nova takes.
    private const int MaxBytes = 102_400;

    private const int NoLog = 77;

    /// <summary>Nova's <c>get_console_output</c>: the end of the log of the VM's domain. Nothing is kept of a VM that is down.</summary>
    /// <exception cref="VerbNotSupportedException">dom0 keeps no log.</exception>
    public async Task<string> ReadAsync(CancellationToken cancellation)
    {
        var vm = await vms.GetInFrontAsync(instance.Uuid, cancellation);
        if (vm.Record.domid < 0)
        {
            return "";
        }

        try
        {
            return await host.Dom0.RunAsync(
                "reading a guest's console",
                $"""
                log=$1/console.$2
                [ -f "$log" ] || exit {NoLog}
                exec tail -c {MaxBytes} -- "$log"
                """,
                [host.Settings.ConsoleLogPath, $"{vm.Record.domid}"], cancellation);
        }
        catch (Dom0Exception e) when (e.ExitCode == NoLog)
        {
            throw new VerbNotSupportedException("get_console_output", e);
        }
    }
}
