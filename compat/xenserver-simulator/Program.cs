using System.CommandLine;
using NovaShim.XenServerSimulator.CommandLine;
using NovaShim.XenServerSimulator.Dom0.Network;
using NovaShim.XenServerSimulator.Guests.Journal;
using NovaShim.XenServerSimulator.Dom0.VhdUtil;

// What dom0's vhd-util runs: its flags are its own.
if (args is ["vhd-util", .. var vhdUtil])
{
    return VhdUtilProgram.Run(vhdUtil, Console.Out);
}

RootCommand command = HostCommand.Create();
command.Subcommands.Add(FaultCommand.Create());
command.Subcommands.Add(NetworkCommand.Create());
command.Subcommands.Add(ImageCommand.Create());
command.Subcommands.Add(JournalCommand.Create());

// A guest gets a moment to shut down and sshd to end, before the process has to be gone.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(20) });
