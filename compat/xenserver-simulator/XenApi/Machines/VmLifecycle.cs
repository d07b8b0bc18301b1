using NovaShim.XenServerSimulator.XenApi.Calls;
using NovaShim.XenServerSimulator.XenApi.Records;
using NovaShim.XenServerSimulator.XenApi.Repositories;

namespace NovaShim.XenServerSimulator.XenApi.Machines;

/// <summary>The messages that make VMs and do away with them.</summary>
internal sealed class VmLifecycle(Database database, VmOperations operations, VdiRecords vdis, VdiMessages disks, Domains domains, TimeProvider time)
{
    /// <summary>The classes whose objects belong to a VM and go with it.</summary>
    private static readonly string[] Parts = ["VBD", "VIF", "console"];

    public IEnumerable<KeyValuePair<string, MessageHandler>> Messages =>
    [
        new("VM.create", Handler.Of(Create)),
        new("VM.destroy", DestroyAsync),
        new("VM.snapshot", call => BranchAsync(call, "snapshot", call.Set(2))),
        new("VM.clone", call => BranchAsync(call, "clone", Values.NoSet)),
        new("VM.copy", CopyAsync),
    ];

    private object? Create(Call call)
    {
        Dictionary<string, object> fields = Constructor.Fields(database.Model["VM"], call.Map(0));
        fields["power_state"] = "Halted";
        fields["domid"] = -1L;
        fields["other_config"] = Seeded((ValueMap)fields["other_config"]);
        return database.Change(tx =>
        {
            fields["metrics"] = NewMetrics(tx);
            return tx.Create("VM", fields);
        });
    }

    private async Task<object?> DestroyAsync(Call call)
    {
        string vm = call.Text(0);
        using IDisposable entry = await operations.BeginAsync(vm, "destroy", call.Cancellation);
        if (database.Get("VM", vm).Text("power_state") == "Suspended")
        {
            await domains.DestroyAsync(vm);
        }

        database.Change(tx =>
        {
            Record record = tx.Get("VM", vm);
            foreach (string type in Parts)
            {
                foreach (Record part in tx.All(type).Where(part => part.Text("VM") == vm).ToArray())
                {
                    tx.Delete(part.Ref);
                }
            }

            // Who stood on this VM in the tree of snapshots now stands on what it stood on.
            foreach (Record child in tx.All("VM").Where(child => child.Text("parent") == vm).ToArray())
            {
                tx.Set(child.Ref, "parent", record.Text("parent"));
            }

            tx.Delete(record.Text("metrics"));
            tx.Delete(record.Text("guest_metrics"));
            tx.Delete(vm);
        });
        return null;
    }

    /// <summary>A snapshot, or a clone of its kind: disk by disk, then the VM object with VBDs and VIFs of its own.</summary>
    private async Task<object?> BranchAsync(Call call, string operation, ValueSet ignored)
    {
        using IDisposable entry = await operations.BeginAsync(call.Text(0), operation, call.Cancellation);
        bool isSnapshot = operation == "snapshot";
        Dictionary<string, string> made = [];
        foreach (string vdi in DisksOf(call.Text(0)).Where(vdi => !ignored.Contains(vdi)))
        {
            made[vdi] = await vdis.BranchAsync(disks.Managed(vdi), isSnapshot, call.Cancellation);
        }

        return database.Change(tx => CopyObject(tx, tx.Get("VM", call.Text(0)), call.Text(1), made, ignored, isSnapshot));
    }

    private async Task<object?> CopyAsync(Call call)
    {
        using IDisposable entry = await operations.BeginAsync(call.Text(0), "copy", call.Cancellation);
        Dictionary<string, string> made = [];
        foreach (string vdi in DisksOf(call.Text(0)))
        {
            made[vdi] = await disks.CopyAsync(database.Get("VDI", vdi), Values.IsNull(call.Text(2)) ? vdis.Sr : call.Text(2), call.Progress, call.Cancellation);
        }

        return database.Change(tx => CopyObject(tx, tx.Get("VM", call.Text(0)), call.Text(1), made, Values.NoSet, isSnapshot: false));
    }

    private static ValueMap Seeded(ValueMap otherConfig) =>
        otherConfig.ContainsKey("mac_seed") ? otherConfig : otherConfig.With("mac_seed", Guid.NewGuid().ToString());

    private string[] DisksOf(string vm) =>
        [.. database.All("VBD").Where(vbd => vbd.Text("VM") == vm && Domains.IsDisk(vbd)).Select(vbd => vbd.Text("VDI")).Distinct()];

    private string NewMetrics(Transaction tx) => tx.Create("VM_metrics", [new("install_time", time.GetUtcNow().UtcDateTime)]);

    private string CopyObject(Transaction tx, Record vm, string name, Dictionary<string, string> disks, ValueSet ignored, bool isSnapshot)
    {
        Dictionary<string, object> fields = new(vm.Fields, StringComparer.Ordinal)
        {
            ["name_label"] = name,
            ["power_state"] = "Halted",
            ["domid"] = -1L,
            ["resident_on"] = Values.NullRef,
            ["guest_metrics"] = Values.NullRef,
            ["suspend_VDI"] = Values.NullRef,
            ["current_operations"] = Values.NoMap,
            ["metrics"] = NewMetrics(tx),
            ["is_a_snapshot"] = isSnapshot,
            ["is_a_template"] = isSnapshot || (vm.Flag("is_a_template") && !vm.Flag("is_a_snapshot")),
            ["is_default_template"] = false,
            ["snapshot_of"] = isSnapshot ? vm.Ref : Values.NullRef,
            ["snapshot_time"] = isSnapshot ? time.GetUtcNow().UtcDateTime : DateTime.UnixEpoch,
            ["snapshot_info"] = isSnapshot ? Values.Map(("power-state-at-snapshot", vm.Text("power_state"))) : Values.NoMap,
        };
        if (!isSnapshot)
        {
            fields["other_config"] = Seeded(vm.Map("other_config").Without("mac_seed"));
            fields["blocked_operations"] = Values.NoMap;
            fields["parent"] = vm.Flag("is_a_snapshot") ? vm.Ref : Values.NullRef;
        }

        fields.Remove("uuid");
        string copy = tx.Create("VM", fields);
        foreach (string type in Parts[..2])
        {
            foreach (Record device in tx.All(type).Where(device => device.Text("VM") == vm.Ref && !ignored.Contains(device.Text("VDI"))).ToArray())
            {
                Dictionary<string, object> own = new(device.Fields, StringComparer.Ordinal)
                {
                    ["VM"] = copy,
                    ["currently_attached"] = false,
                    ["current_operations"] = Values.NoMap,
                };
                if (type == "VBD")
                {
                    own["VDI"] = disks.GetValueOrDefault(device.Text("VDI"), device.Text("VDI"));
                }
                else if (!isSnapshot && device.Flag("MAC_autogenerated"))
                {
                    own["MAC"] = Vifs.NewMac();
                }

                own.Remove("uuid");
                tx.Create(type, own);
            }
        }

        if (isSnapshot)
        {
            tx.Set(vm.Ref, "parent", copy);
        }

        return copy;
    }
}
