using NovaShim.XenServerSimulator.XenApi.Calls;
using NovaShim.XenServerSimulator.XenApi.Machines;
using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.XenApi.Pool;

/// <summary>The messages of the host and of its pool of one.</summary>
internal sealed class HostMessages(Database database, HostMemory memory, Func<IEnumerable<string>> methods, TimeProvider time)
{
    public IEnumerable<KeyValuePair<string, MessageHandler>> Messages =>
    [
        new("host.compute_free_memory", OnHost(_ => memory.Free)),
        new("host.compute_memory_overhead", OnHost(_ => HostMemory.HypervisorOverhead)),
        new("host.get_servertime", OnHost(_ => time.GetUtcNow().UtcDateTime)),
        new("host.get_server_localtime", OnHost(_ => time.GetUtcNow().UtcDateTime)),
        new("host.has_extension", OnHost(_ => false)),
        new("host.call_plugin", OnHost(call => throw new ApiFailure("XENAPI_MISSING_PLUGIN", call.Text(1)))),
        new("host.disable", OnHost(call => Enable(call, enabled: false))),
        new("host.enable", OnHost(call => Enable(call, enabled: true))),
        new("host.get_vms_which_prevent_evacuation", OnHost(_ => database.All("VM")
            .Where(vm => vm.Text("power_state") == "Running" && !vm.Flag("is_control_domain"))
            .ToDictionary(vm => vm.Ref, _ => (object)Values.Set(["NO_HOSTS_AVAILABLE"])))),
        new("host.list_methods", Handler.Of(_ => Values.Set(methods()))),
        new("pool.sync_database", Handler.Of(_ => { })),
    ];

    private MessageHandler OnHost(Func<Call, object?> answer) => Handler.Of(call =>
    {
        database.Get("host", call.Text(0));
        return answer(call);
    });

    private object? Enable(Call call, bool enabled)
    {
        database.Change(tx => tx.Set(call.Text(0), "enabled", enabled));
        return null;
    }
}
