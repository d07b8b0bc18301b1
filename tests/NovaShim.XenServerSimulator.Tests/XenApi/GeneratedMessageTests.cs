using System.Text.Json;
using System.Text.Json.Nodes;

namespace NovaShim.XenServerSimulator.Tests.XenApi;

/// <summary>What follows from the data model: getters, setters, look-ups, queries, constructors.</summary>
[Collection(OneHost.Name)]
public sealed class GeneratedMessageTests(RunningHost host)
{
    [Fact]
    public async Task Maps_are_added_to_and_removed_from_key_by_key()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vm = await client.NewVmAsync();
        await client.CallAsync("VM.add_to_other_config", vm, "k", "v");
        XenFailureException failure = await client.FailsAsync("MAP_DUPLICATE_KEY", "VM.add_to_other_config", vm, "k", "w");
        Assert.Equal(["MAP_DUPLICATE_KEY", "VM", "other_config", vm, "k"], failure.Description);
        await client.CallAsync("VM.remove_from_other_config", vm, "k");
        await client.CallAsync("VM.remove_from_other_config", vm, "k");
        JsonElement config = await client.CallAsync("VM.get_other_config", vm);
        Assert.False(config.TryGetProperty("k", out _));
        Assert.Equal("u1", config.GetProperty("nova_uuid").GetString());
        Assert.True(config.TryGetProperty("mac_seed", out _));
        await client.CallAsync("VM.add_tags", vm, "one");
        await client.CallAsync("VM.add_tags", vm, "one");
        await client.CallAsync("VM.add_tags", vm, "two");
        await client.CallAsync("VM.remove_tags", vm, "one");
        Assert.Equal(["two"], (await client.CallAsync("VM.get_tags", vm)).EnumerateArray().Select(t => t.GetString()));
    }

    [Fact]
    public async Task What_only_the_server_writes_has_no_setter()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vm = await client.NewVmAsync();
        await client.FailsAsync("MESSAGE_METHOD_UNKNOWN", "VM.set_power_state", vm, "Running");
        await client.FailsAsync("MESSAGE_METHOD_UNKNOWN", "SR.create_it", vm);
        await client.FailsAsync("NOT_IMPLEMENTED", "VM.migrate_send", vm, new JsonObject(), true, new JsonObject(), new JsonObject(), new JsonObject());
        await client.FailsAsync("Fault", "Async.VM.get_uuid", vm);
    }

    [Fact]
    public async Task Objects_are_found_by_uuid_and_by_label()
    {
        using XenClient client = await host.Process.LoginAsync();
        string label = Guid.NewGuid().ToString();
        string vm = await client.NewVmAsync(label);
        string uuid = await client.RefAsync("VM.get_uuid", vm);
        Assert.Equal(vm, await client.RefAsync("VM.get_by_uuid", uuid));
        Assert.Equal([vm], (await client.CallAsync("VM.get_by_name_label", label)).EnumerateArray().Select(r => r.GetString()));
        Assert.Equal(0, (await client.CallAsync("VM.get_by_name_label", "no " + label)).GetArrayLength());
        Assert.Equal(["UUID_INVALID", "VM", "x"], (await client.FailsAsync("UUID_INVALID", "VM.get_by_uuid", "x")).Description);
        Assert.Equal(["HANDLE_INVALID", "VDI", vm], (await client.FailsAsync("HANDLE_INVALID", "VDI.get_record", vm)).Description);
    }

    [Fact]
    public async Task Queries_filter_records()
    {
        using XenClient client = await host.Process.LoginAsync();
        string label = Guid.NewGuid().ToString();
        string vm = await client.NewVmAsync(label);
        async Task<int> CountAsync(string expression) => (await client.CallAsync("VM.get_all_records_where", expression)).EnumerateObject().Count();
        Assert.Equal(1, await CountAsync($"field \"name__label\"=\"{label}\""));
        Assert.Equal(1, await CountAsync($"field \"name_label\" = \"{label}\" and field \"is_a_template\"=\"false\" and (false or true)"));
        Assert.Equal(0, await CountAsync($"field \"name_label\"=\"{label}\" and not field \"power_state\"=\"Halted\""));
        Assert.Equal(1, await CountAsync($"field \"uuid\"=\"{await client.RefAsync("VM.get_uuid", vm)}\" and field \"VCPUs_max\"=\"2\""));
        Assert.Equal(0, await CountAsync("false"));
        await client.FailsAsync("INVALID_VALUE", "VM.get_all_records_where", "field name=\"x\"");
        await client.FailsAsync("INVALID_VALUE", "VM.get_all_records_where", "true true");
        await client.FailsAsync("INVALID_VALUE", "VM.get_all_records_where", "(true");
        await client.FailsAsync("INVALID_VALUE", "VM.get_all_records_where", new string('(', 200_000));
        await client.FailsAsync("INVALID_VALUE", "VM.get_all_records_where", "true" + string.Concat(Enumerable.Repeat(" or true", 20_000)));
        await client.FailsAsync("INVALID_VALUE", "VM.get_all_records_where", "field \"no_such\"=\"x\"");
    }

    [Fact]
    public async Task A_constructor_names_the_field_it_misses_and_passes_over_what_it_does_not_know()
    {
        using XenClient client = await host.Process.LoginAsync();
        XenFailureException failure = await client.FailsAsync("INTERNAL_ERROR", "network.create", new JsonObject { ["name_label"] = "n" });
        Assert.Contains("other_config", failure.Description[1], StringComparison.Ordinal);
        string network = await client.RefAsync("network.create", new JsonObject { ["other_config"] = new JsonObject(), ["uuid"] = "mine", ["nonsense"] = 1 });
        Assert.NotEqual("mine", await client.RefAsync("network.get_uuid", network));
        Assert.Equal(1500, (await client.CallAsync("network.get_MTU", network)).GetInt64());
        await client.CallAsync("network.destroy", network);
        await client.FailsAsync("HANDLE_INVALID", "network.get_uuid", network);
    }

    [Fact]
    public async Task A_record_has_every_field_and_the_other_end_of_references()
    {
        using XenClient client = await host.Process.LoginAsync();
        string hostRef = await client.OnlyAsync("host"), pool = await client.OnlyAsync("pool"), sr = await client.OnlyAsync("SR");
        JsonElement record = await client.CallAsync("host.get_record", hostRef);
        Assert.Equal("8.2.1", record.GetProperty("software_version").GetProperty("product_version").GetString());
        Assert.Equal(15, record.GetProperty("API_version_minor").GetInt64());
        Assert.Equal(1, record.GetProperty("PBDs").GetArrayLength());
        Assert.Equal(hostRef, await client.RefAsync("pool.get_master", pool));
        Assert.Equal(sr, await client.RefAsync("pool.get_default_SR", pool));
        Assert.Equal("xenbr0", await client.RefAsync("network.get_bridge", await client.OnlyAsync("network")));
        Assert.True((await client.CallAsync("host.compute_free_memory", hostRef)).GetInt64() > 1L << 30);
        Assert.Equal("p1", (await client.FailsAsync("XENAPI_MISSING_PLUGIN", "host.call_plugin", hostRef, "p1", "f", new JsonObject())).Description[1]);
    }

    [Fact]
    public async Task An_older_release_lacks_what_came_later()
    {
        await using HostProcess old = await HostProcess.StartAsync(null, "--product-version", "6.1.0");
        using XenClient client = await old.LoginAsync();
        JsonElement record = await client.CallAsync("host.get_record", await client.OnlyAsync("host"));
        Assert.Equal(10, record.GetProperty("API_version_minor").GetInt64());
        Assert.False(record.TryGetProperty("control_domain", out _));
        await client.FailsAsync("MESSAGE_METHOD_UNKNOWN", "VM.get_generation_id", "OpaqueRef:x");
    }
}
