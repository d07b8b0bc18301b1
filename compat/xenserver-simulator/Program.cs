using System.CommandLine;
using NovaShim.XenServerSimulator.CommandLine;
using NovaShim.XenServerSimulator.Dom0.Network;
using NovaShim.XenServerSimulator.Guests.Agent;
using NovaShim.XenServerSimulator.Guests.Journal;
using NovaShim.XenServerSimulator.Dom0.VhdUtil;
using NovaShim.XenServerSimulator.Dom0.Xenstored;

// What dom0's vhd-util runs: its flags are its own.
if (args is ["vhd-util", .. var vhdUtil])
{
    return VhdUtilProgram.Run(vhdUtil, Console.Out);
}

// What dom0's programs for XenStore run: the store's folder, then their own arguments.
if (args is [var program, var store, .. var rest] && XenStoreProgram.Names.Contains(program))
{
    return XenStoreProgram.Run(program, new XenStore(store), rest, Console.Out, Console.Error);
}

RootCommand command = HostCommand.Create();
command.Subcommands.Add(FaultCommand.Create());
command.Subcommands.Add(NetworkCommand.Create());
command.Subcommands.Add(ImageCommand.Create());
command.Subcommands.Add(JournalCommand.Create());
command.Subcommands.Add(FilesCommand.Create());

// A guest gets a moment to shut down and sshd to end, before the process has to be gone.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(20) });
