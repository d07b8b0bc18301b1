using System.Text.Json;
using System.Text.Json.Nodes;

namespace NovaShim.XenServerSimulator.Tests.XenApi;

/// <summary>Which message a VM takes in which power state, and what it says otherwise.</summary>
[Collection(OneHost.Name)]
public sealed class PowerStateTests(RunningHost host)
{
    private static readonly string[] States = ["Halted", "Paused", "Suspended", "Running"];

    public static TheoryData<string, string, string> Matrix => new()
    {
        { "start", "halted", "Running" },
        { "start_on", "halted", "Running" },
        { "clean_shutdown", "running", "Halted" },
        { "clean_reboot", "running", "Running" },
        { "suspend", "running", "Suspended" },
        { "pause", "running", "Paused" },
        { "hard_reboot", "paused, running", "Running" },
        { "hard_shutdown", "paused, suspended, running", "Halted" },
        { "shutdown", "paused, suspended, running", "Halted" },
        { "unpause", "paused", "Running" },
        { "resume", "suspended", "Running" },
    };

    [Theory]
    [MemberData(nameof(Matrix))]
    public async Task A_message_needs_its_states_and_leads_to_its_state(string message, string needed, string after)
    {
        using XenClient client = await host.Process.LoginAsync();
        foreach (string state in States)
        {
            string vm = await VmInAsync(client, state);
            object?[] parameters = message switch
            {
                "start" or "resume" => [vm, false, false],
                "start_on" => [vm, await client.OnlyAsync("host"), false, false],
                _ => [vm],
            };
            if (needed.Split(", ").Contains(state.ToLowerInvariant()))
            {
                await client.CallAsync($"VM.{message}", parameters);
                Assert.Equal(after, await client.PowerStateAsync(vm));
            }
            else
            {
                XenFailureException failure = await client.FailsAsync("VM_BAD_POWER_STATE", $"VM.{message}", parameters);
                Assert.Equal(["VM_BAD_POWER_STATE", vm, needed, state.ToLowerInvariant()], failure.Description);
                Assert.Equal(state, await client.PowerStateAsync(vm));
            }

            await DestroyAsync(client, vm);
        }
    }

    [Fact]
    public async Task A_running_VM_has_a_domain_a_console_and_attached_devices_and_a_halted_one_has_not()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vm = await client.NewVmAsync(), hostRef = await client.OnlyAsync("host");
        string vdi = await client.NewVdiAsync(), vbd = await client.NewVbdAsync(vm, vdi), vif = await client.NewVifAsync(vm);
        long free = (await client.CallAsync("host.compute_free_memory", hostRef)).GetInt64();
        await client.CallAsync("VM.start", vm, false, false);
        JsonElement record = await client.CallAsync("VM.get_record", vm);
        Assert.True(record.GetProperty("domid").GetInt64() > 0);
        Assert.Equal(hostRef, record.GetProperty("resident_on").GetString());
        Assert.Equal(1, record.GetProperty("consoles").GetArrayLength());
        Assert.Contains((await client.CallAsync("host.get_resident_VMs", hostRef)).EnumerateArray(), r => r.GetString() == vm);
        Assert.Contains("clean_shutdown", record.GetProperty("allowed_operations").EnumerateArray().Select(o => o.GetString()));
        Assert.DoesNotContain("start", record.GetProperty("allowed_operations").EnumerateArray().Select(o => o.GetString()));
        JsonElement vbdRecord = await client.CallAsync("VBD.get_record", vbd);
        Assert.True(vbdRecord.GetProperty("currently_attached").GetBoolean());
        Assert.Equal("xvda", vbdRecord.GetProperty("device").GetString());
        Assert.True((await client.CallAsync("VIF.get_currently_attached", vif)).GetBoolean());
        Assert.Equal(["r"], (await client.CallAsync("VM_metrics.get_state", record.GetProperty("metrics").GetString())).EnumerateArray().Select(s => s.GetString()));
        Assert.Equal(264L << 20, free - (await client.CallAsync("host.compute_free_memory", hostRef)).GetInt64());

        await client.CallAsync("VM.clean_shutdown", vm);
        record = await client.CallAsync("VM.get_record", vm);
        Assert.Equal(-1, record.GetProperty("domid").GetInt64());
        Assert.Equal("OpaqueRef:NULL", record.GetProperty("resident_on").GetString());
        Assert.Equal("OpaqueRef:NULL", record.GetProperty("guest_metrics").GetString());
        Assert.Equal(0, record.GetProperty("consoles").GetArrayLength());
        Assert.False((await client.CallAsync("VBD.get_currently_attached", vbd)).GetBoolean());
        Assert.False((await client.CallAsync("VIF.get_currently_attached", vif)).GetBoolean());
        await DestroyAsync(client, vm);
        await client.CallAsync("VDI.destroy", vdi);
    }

    [Fact]
    public async Task A_suspended_VM_has_its_memory_in_a_disk_that_goes_with_the_need_for_it()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vm = await client.NewVmAsync(), vdi = await client.NewVdiAsync(64L << 20), vbd = await client.NewVbdAsync(vm, vdi);
        await client.CallAsync("VM.start", vm, false, false);
        await client.CallAsync("VM.suspend", vm);

        string image = await client.RefAsync("VM.get_suspend_VDI", vm);
        JsonElement record = await client.CallAsync("VDI.get_record", image);
        Assert.Equal(("suspend", 256L << 20), (record.GetProperty("type").GetString(), record.GetProperty("virtual_size").GetInt64()));
        Assert.True((await client.CallAsync("VBD.get_currently_attached", vbd)).GetBoolean());
        await client.FailsAsync("VDI_IN_USE", "VDI.destroy", vdi);
        string snapshot = await client.RefAsync("VM.snapshot", vm, "s");
        Assert.Equal("OpaqueRef:NULL", await client.RefAsync("VM.get_suspend_VDI", snapshot));
        await client.CallAsync("VM.destroy", snapshot);
        Assert.Equal("Suspended", await client.PowerStateAsync(vm));

        await client.CallAsync("VM.resume", vm, false, false);
        Assert.Equal("OpaqueRef:NULL", await client.RefAsync("VM.get_suspend_VDI", vm));
        await client.FailsAsync("HANDLE_INVALID", "VDI.get_record", image);

        foreach (string end in new[] { "VM.hard_shutdown", "VM.destroy" })
        {
            await client.CallAsync("VM.suspend", vm);
            image = await client.RefAsync("VM.get_suspend_VDI", vm);
            await client.CallAsync(end, vm);
            await client.FailsAsync("HANDLE_INVALID", "VDI.get_record", image);
            if (end == "VM.hard_shutdown")
            {
                await client.CallAsync("VM.start", vm, false, false);
            }
        }

        await client.CallAsync("VDI.destroy", vdi);
    }

    [Fact]
    public async Task Figures_are_told_of_a_VM_that_has_a_domain_only()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vm = await client.NewVmAsync();
        await client.NewVifAsync(vm);
        Assert.Empty((await client.CallAsync("VM.get_data_sources", vm)).EnumerateArray());
        await client.CallAsync("VM.start", vm, false, false);

        JsonElement[] sources = [.. (await client.CallAsync("VM.get_data_sources", vm)).EnumerateArray()];
        Assert.Equal(["cpu0", "cpu1", "memory", "memory_target", "vif_0_rx", "vif_0_tx"], sources.Select(s => s.GetProperty("name_label").GetString()));
        Assert.Equal(256L << 20, (await client.CallAsync("VM.query_data_source", vm, "memory")).GetDouble());
        await client.FailsAsync("INTERNAL_ERROR", "VM.query_data_source", vm, "temperature");
        await DestroyAsync(client, vm);
    }

    [Fact]
    public async Task Blocked_operations_come_before_everything_else()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vm = await client.NewVmAsync();
        await client.CallAsync("VM.set_blocked_operations", vm, new JsonObject { ["start"] = "migrating", ["clean_shutdown"] = "no" });
        Assert.Equal(["OPERATION_BLOCKED", vm, "migrating"], (await client.FailsAsync("OPERATION_BLOCKED", "VM.start", vm, false, false)).Description);
        await client.FailsAsync("OPERATION_BLOCKED", "VM.clean_shutdown", vm);
        await client.FailsAsync("INVALID_VALUE", "VM.add_to_blocked_operations", vm, "no_operation", "x");
        await client.FailsAsync("MAP_DUPLICATE_KEY", "VM.add_to_blocked_operations", vm, "start", "x");
        await client.CallAsync("VM.remove_from_blocked_operations", vm, "start");
        await client.CallAsync("VM.start", vm, true, false);
        Assert.Equal("Paused", await client.PowerStateAsync(vm));
        await DestroyAsync(client, vm);
    }

    [Fact]
    public async Task A_template_a_snapshot_and_the_control_domain_do_not_start()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vm = await client.NewVmAsync();
        string snapshot = await client.RefAsync("VM.snapshot", vm, "s");
        Assert.Equal(["VM_IS_SNAPSHOT", snapshot, "start"], (await client.FailsAsync("VM_IS_SNAPSHOT", "VM.start", snapshot, false, false)).Description);
        await client.CallAsync("VM.set_is_a_template", vm, true);
        Assert.Equal(["VM_IS_TEMPLATE", vm, "start"], (await client.FailsAsync("VM_IS_TEMPLATE", "VM.start", vm, false, false)).Description);
        string dom0 = await client.RefAsync("host.get_control_domain", await client.OnlyAsync("host"));
        await client.FailsAsync("OPERATION_NOT_ALLOWED", "VM.hard_shutdown", dom0);
        await client.CallAsync("VM.destroy", snapshot);
        await client.CallAsync("VM.destroy", vm);
    }

    [Fact]
    public async Task Memory_and_VCPUs_keep_their_order()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vm = await client.NewVmAsync();
        await client.FailsAsync("INVALID_VALUE", "VM.set_VCPUs_max", vm, 1);
        await client.FailsAsync("INVALID_VALUE", "VM.set_VCPUs_at_startup", vm, 3);
        await client.CallAsync("VM.set_VCPUs_at_startup", vm, 1);
        await client.CallAsync("VM.set_VCPUs_max", vm, 1);
        await client.FailsAsync("MEMORY_CONSTRAINT_VIOLATION_ORDER", "VM.set_memory_limits", vm, 4, 3, 2, 1);
        await client.CallAsync("VM.set_memory_limits", vm, 1L << 20, 512L << 20, 256L << 20, 512L << 20);
        Assert.Equal(512L << 20, (await client.CallAsync("VM.get_memory_static_max", vm)).GetInt64());
        Assert.Equal(256L << 20, (await client.CallAsync("VM.get_memory_dynamic_min", vm)).GetInt64());
        await client.CallAsync("VM.start", vm, false, false);
        await client.FailsAsync("VM_BAD_POWER_STATE", "VM.set_memory_limits", vm, 1, 2, 1, 2);
        await client.FailsAsync("VM_BAD_POWER_STATE", "VM.set_VCPUs_max", vm, 8);
        await DestroyAsync(client, vm);
    }

    [Fact]
    public async Task A_start_that_fails_releases_the_VM_again()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vm = await client.NewVmAsync(memory: 64L << 30);
        await client.FailsAsync("NO_HOSTS_AVAILABLE", "VM.start", vm, false, false);
        Assert.Empty((await client.CallAsync("VM.get_current_operations", vm)).EnumerateObject());
        await client.CallAsync("VM.destroy", vm);
    }

    private static async Task<string> VmInAsync(XenClient client, string state)
    {
        string vm = await client.NewVmAsync(state);
        if (state != "Halted")
        {
            await client.CallAsync("VM.start", vm, state == "Paused", false);
        }

        if (state == "Suspended")
        {
            await client.CallAsync("VM.suspend", vm);
        }

        Assert.Equal(state, await client.PowerStateAsync(vm));
        return vm;
    }

    private static async Task DestroyAsync(XenClient client, string vm)
    {
        if (await client.PowerStateAsync(vm) != "Halted")
        {
            await client.CallAsync("VM.hard_shutdown", vm);
        }

        await client.CallAsync("VM.destroy", vm);
    }
}
