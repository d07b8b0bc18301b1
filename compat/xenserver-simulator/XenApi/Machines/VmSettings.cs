using NovaShim.XenServerSimulator.XenApi.Calls;
using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.XenApi.Machines;

/// <summary>The messages that set a VM's memory, virtual CPUs and kind, and those that ask what it could do.</summary>
internal sealed class VmSettings(Database database, VmOperations operations)
{
    /// <summary>How many devices of a kind a VM can have.</summary>
    private const int Disks = 16, Interfaces = 7;

    public IEnumerable<KeyValuePair<string, MessageHandler>> Messages =>
    [
        new("VM.set_memory_limits", call => MemoryAsync(call, "changing_memory_limits", call.Int(1), call.Int(3), call.Int(4), call.Int(2))),
        new("VM.set_memory", call => MemoryAsync(call, "changing_memory_limits", null, call.Int(1), call.Int(1), call.Int(1))),
        new("VM.set_memory_static_range", call => MemoryAsync(call, "changing_static_range", call.Int(1), null, null, call.Int(2))),
        new("VM.set_memory_static_max", call => MemoryAsync(call, "changing_static_range", null, null, null, call.Int(1))),
        new("VM.set_memory_static_min", call => MemoryAsync(call, "changing_static_range", call.Int(1), null, null, null)),
        new("VM.set_memory_dynamic_range", call => MemoryAsync(call, "changing_dynamic_range", null, call.Int(1), call.Int(2), null)),
        new("VM.set_memory_dynamic_max", call => MemoryAsync(call, "changing_dynamic_range", null, null, call.Int(1), null)),
        new("VM.set_memory_dynamic_min", call => MemoryAsync(call, "changing_dynamic_range", null, call.Int(1), null, null)),
        new("VM.set_VCPUs_max", call => CpusAsync(call, maximum: call.Int(1), null)),
        new("VM.set_VCPUs_at_startup", call => CpusAsync(call, null, atStartup: call.Int(1))),
        new("VM.set_is_a_template", SetTemplateAsync),
        new("VM.compute_memory_overhead", Handler.Of(call =>
        {
            database.Get("VM", call.Text(0));
            return HostMemory.VmOverhead;
        })),
        new("VM.assert_operation_valid", Handler.Of(call => VmOperations.Assert(database.Get("VM", call.Text(0)), call.Text(1)))),
        new("VM.update_allowed_operations", Handler.Of(call => database.Touch(database.Get("VM", call.Text(0)).Ref))),
        new("VM.get_allowed_VBD_devices", Handler.Of(call => Free("VBD", "userdevice", call.Text(0), Disks))),
        new("VM.get_allowed_VIF_devices", Handler.Of(call => Free("VIF", "device", call.Text(0), Interfaces))),
        new("VM.assert_agile", Handler.Of(call =>
        {
            // Every disk is on a local SR.
            Record vm = database.Get("VM", call.Text(0));
            if (database.All("VBD").FirstOrDefault(vbd => vbd.Text("VM") == vm.Ref && Domains.IsDisk(vbd)) is { } vbd)
            {
                throw new ApiFailure("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", database.Get("VDI", vbd.Text("VDI")).Text("SR"));
            }
        })),
    ];

    /// <exception cref="ApiFailure">MEMORY_CONSTRAINT_VIOLATION_ORDER unless static_min ≤ dynamic_min ≤ dynamic_max ≤ static_max.</exception>
    public static void AssertMemoryOrder(long staticMin, long dynamicMin, long dynamicMax, long staticMax)
    {
        if (staticMin < 0 || staticMin > dynamicMin || dynamicMin > dynamicMax || dynamicMax > staticMax)
        {
            throw new ApiFailure("MEMORY_CONSTRAINT_VIOLATION_ORDER");
        }
    }

    private async Task<object?> MemoryAsync(Call call, string operation, long? staticMin, long? dynamicMin, long? dynamicMax, long? staticMax)
    {
        using IDisposable entry = await operations.BeginAsync(call.Text(0), operation, call.Cancellation);
        database.Change(tx =>
        {
            Record vm = tx.Get("VM", call.Text(0));
            long smin = staticMin ?? vm.Int("memory_static_min"), dmin = dynamicMin ?? vm.Int("memory_dynamic_min");
            long dmax = dynamicMax ?? vm.Int("memory_dynamic_max"), smax = staticMax ?? vm.Int("memory_static_max");
            AssertMemoryOrder(smin, dmin, dmax, smax);
            tx.Set(vm.Ref, ("memory_static_min", smin), ("memory_dynamic_min", dmin), ("memory_dynamic_max", dmax), ("memory_static_max", smax));
        });
        return null;
    }

    private async Task<object?> CpusAsync(Call call, long? maximum, long? atStartup)
    {
        using IDisposable entry = await operations.BeginAsync(call.Text(0), "changing_VCPUs", call.Cancellation);
        database.Change(tx =>
        {
            Record vm = tx.Get("VM", call.Text(0));
            long most = maximum ?? vm.Int("VCPUs_max"), first = atStartup ?? vm.Int("VCPUs_at_startup");
            if (first < 1 || first > most)
            {
                throw ApiFailure.InvalidValue(maximum is null ? "VCPUs_at_startup" : "VCPUs_max", Values.Text(maximum ?? first));
            }

            tx.Set(vm.Ref, ("VCPUs_max", most), ("VCPUs_at_startup", first));
        });
        return null;
    }

    private async Task<object?> SetTemplateAsync(Call call)
    {
        Record vm = database.Get("VM", call.Text(0));
        if (call.Flag(1) == vm.Flag("is_a_template"))
        {
            return null;
        }

        using IDisposable? entry = call.Flag(1) ? await operations.BeginAsync(vm.Ref, "make_into_template", call.Cancellation) : null;
        if (vm.Flag("is_a_snapshot"))
        {
            throw new ApiFailure("VM_IS_SNAPSHOT", vm.Ref, "make_into_template");
        }

        database.Change(tx => tx.Set(vm.Ref, "is_a_template", call.Flag(1)));
        return null;
    }

    private ValueSet Free(string type, string field, string vm, int count)
    {
        database.Get("VM", vm);
        HashSet<string> used = [.. database.All(type).Where(device => device.Text("VM") == vm).Select(device => device.Text(field))];
        return Values.Set(Enumerable.Range(0, count).Select(n => Values.Text((long)n)).Where(n => !used.Contains(n)));
    }
}
