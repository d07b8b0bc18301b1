using NovaShim.Sdk;
using NovaShim.XenServer.Servers;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Guests;

/// <summary>
/// Whether the agent in a server's guest is talked to: the image says so with its property <c>xenapi_use_agent</c>, for those that do not the host's setting does. What the image said is kept on the VM
/// (<see cref="Marks.UseAgent"/>), for the time after the build and for other hosts.
/// </summary>
internal sealed class AgentUse(XenServerHost host)
{
    /// <summary>The image's property; Nova's name for it.</summary>
    public const string Property = "xenapi_use_agent";

    /// <summary>Whether the agent in this VM is talked to.</summary>
    public bool In(VM vm) => Parse(vm.other_config.GetValueOrDefault(Marks.UseAgent)) ?? host.Settings.UseAgent;

    /// <summary>Keeps on the VM what the image it was made from says; afterwards <see cref="In"/> goes by it.</summary>
    public async Task<bool> KeepAsync(Found vm, Image? image, CancellationToken cancellation)
    {
        var said = Parse(image?.Properties.GetValueOrDefault(Property));
        if (said != Parse(vm.Record.other_config.GetValueOrDefault(Marks.UseAgent)))
        {
            await VM.remove_from_other_config(host.Session, vm.Reference, Marks.UseAgent, cancellation);
            if (said is { } use)
            {
                await VM.add_to_other_config(host.Session, vm.Reference, Marks.UseAgent, use ? "true" : "false", cancellation);
            }
        }

        return said ?? host.Settings.UseAgent;
    }

    /// <summary>What is neither yes nor no, in the words that Nova knows for them, says nothing.</summary>
    private static bool? Parse(string? text) => text?.Trim().ToLowerInvariant() switch
    {
        "1" or "t" or "true" or "on" or "y" or "yes" => true,
        "0" or "f" or "false" or "off" or "n" or "no" => false,
        _ => null,
    };
}
