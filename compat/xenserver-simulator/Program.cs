using System.CommandLine;
using NovaShim.XenServerSimulator.CommandLine;

RootCommand command = HostCommand.Create();
command.Subcommands.Add(FaultCommand.Create());

// A guest gets a moment to shut down and sshd to end, before the process has to be gone.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(20) });
