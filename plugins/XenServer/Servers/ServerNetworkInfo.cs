using System.Text.Json;
using System.Text.Json.Nodes;
using NovaShim.Sdk;
using NovaShim.XenServer.Guests;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Servers;

/// <summary>
/// Writes a server's interfaces where a guest looks for them, as Nova's XenAPI driver does: one key of XenStore each, <c>vm-data/networking/&lt;MAC without colons&gt;</c>, with JSON. Addresses are not in it: they
/// are the network's to give.
/// </summary>
internal sealed class ServerNetworkInfo(XenServerHost host, ServerVms vms, Instance instance)
{
    private const string Folder = "vm-data/networking/";

    private readonly Session _session = host.Session;

    /// <summary>Nova's <c>inject_network_info</c>.</summary>
    public async Task WriteAsync(CancellationToken cancellation)
    {
        var vm = await vms.GetInFrontAsync(instance.Uuid, cancellation);
        var networks = await Network.get_all_records(_session, cancellation);
        var wanted = new Dictionary<string, string>();
        foreach (var reference in vm.Record.VIFs)
        {
            var vif = await VIF.get_record(_session, reference, cancellation);
            var network = networks.GetValueOrDefault(vif.network);
            wanted[Folder + vif.MAC.Replace(":", "", StringComparison.Ordinal).ToUpperInvariant()] = new JsonObject
            {
                ["label"] = network?.name_label ?? "",
                ["bridge"] = network?.bridge ?? "",
                ["mac"] = vif.MAC,
                ["mtu"] = vif.MTU,
            }.ToJsonString(JsonSerializerOptions.Default);
        }

        foreach (var stale in vm.Record.xenstore_data.Keys.Where(k => k.StartsWith(Folder, StringComparison.Ordinal) && vm.Record.xenstore_data[k] != wanted.GetValueOrDefault(k)))
        {
            await VM.remove_from_xenstore_data(_session, vm.Reference, stale, cancellation);
        }

        foreach (var (key, value) in wanted.Where(w => vm.Record.xenstore_data.GetValueOrDefault(w.Key) != w.Value))
        {
            try
            {
                await VM.add_to_xenstore_data(_session, vm.Reference, key, value, cancellation);
            }
            catch (Failure f) when (f.Code == Failure.MAP_DUPLICATE_KEY)
            {
                // Another run's: the same.
                _ = f;
            }
        }

        // A guest that runs sees only what is written where it looks: the rest is for its next start.
        if (vm.Record is { power_state: PowerStates.Running, domid: >= 0 })
        {
            foreach (var (key, value) in wanted)
            {
                await new AgentChannel(host, vm.Reference).WriteAsync(vm.Record.domid, key, value, cancellation);
            }
        }
    }
}
