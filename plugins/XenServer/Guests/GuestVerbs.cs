using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.XenServer.Servers;

namespace NovaShim.XenServer.Guests;

/// <summary>Nova's verbs that are the agent's to do, in the guest of a server that runs.</summary>
internal sealed partial class GuestVerbs(XenServerHost host, ServerVms vms, Instance instance)
{
    private readonly ILogger _log = host.Logs.CreateLogger<GuestVerbs>();

    /// <summary>Nova's <c>set_admin_password</c>.</summary>
    public async Task SetPasswordAsync(string password, CancellationToken cancellation) => await (await AgentAsync("set_admin_password", cancellation)).SetPasswordAsync(password, cancellation);

    /// <summary>Nova's <c>inject_file</c>.</summary>
    public async Task PutFileAsync(InjectedFile file, CancellationToken cancellation) => await (await AgentAsync("inject_file", cancellation)).PutFileAsync(file.Path, file.Contents, cancellation);

    /// <summary>Nova's <c>reset_network</c>. The agent is told the interfaces first: where it finds none, it takes the guest's away.</summary>
    public async Task ResetNetworkAsync(CancellationToken cancellation)
    {
        var agent = await AgentAsync("reset_network", cancellation);
        await new ServerNetworkInfo(host, vms, instance).WriteAsync(cancellation);
        if (await agent.ResetNetworkAsync(cancellation) is { Length: > 0 } said)
        {
            LogNetwork(instance.Name, host.Name, said);
        }
    }

    /// <exception cref="VerbNotSupportedException">The agent is not used.</exception>
    private async Task<GuestAgent> AgentAsync(string verb, CancellationToken cancellation)
    {
        var vm = await vms.GetInFrontAsync(instance.Uuid, cancellation);
        return new AgentUse(host).In(vm.Record) ? new GuestAgent(host, vm.Reference) : throw new VerbNotSupportedException(verb);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The agent in {Server} on {Host} was told to set up its network, and says: {Said}")]
    private partial void LogNetwork(string server, string host, string said);
}
