using System.CommandLine;
using NovaShim.Cli;

var root = new RootCommand("NovaShim: an OpenStack Compute (Nova) v1.1 API, and behind it servers that move between hosts.")
{
    ServeCommand.Create(),
    PluginsCommand.Create(),
    MigrationsCommand.Create(),
    ServersCommand.Create(),
    HostsCommand.Create(),
    UsersCommand.Users(),
    UsersCommand.Projects(),
};
return await root.Parse(args).InvokeAsync();
