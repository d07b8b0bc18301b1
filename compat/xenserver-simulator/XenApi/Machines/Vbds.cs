using System.Globalization;
using NovaShim.XenServerSimulator.Storage;
using NovaShim.XenServerSimulator.XenApi.Calls;
using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.XenApi.Machines;

/// <summary>The messages of VBDs: which disk a VM sees where.</summary>
internal sealed class Vbds(Database database, Domains domains)
{
    private const int MaximumDevice = 254;

    public IEnumerable<KeyValuePair<string, MessageHandler>> Messages =>
    [
        new("VBD.create", Handler.Of(Create)),
        new("VBD.destroy", Handler.Of(Destroy)),
        new("VBD.plug", call => InTurnAsync(call, () => PlugAsync(call))),
        new("VBD.unplug", call => InTurnAsync(call, () => UnplugAsync(call, force: false))),
        new("VBD.unplug_force", call => InTurnAsync(call, () => UnplugAsync(call, force: true))),
        new("VBD.assert_attachable", Handler.Of(call => AssertAttachable(database.Get("VBD", call.Text(0))))),
        new("VBD.insert", Handler.Of(Insert)),
        new("VBD.eject", Handler.Of(Eject)),
    ];

    private object? Create(Call call)
    {
        Dictionary<string, object> fields = Constructor.Fields(database.Model["VBD"], call.Map(0));
        fields["currently_attached"] = false;
        fields["device"] = "";
        return database.Change(tx =>
        {
            Record vm = tx.Get("VM", (string)fields["VM"]);
            bool empty = (bool)fields["empty"];
            if ((string)fields["type"] == "CD" && (string)fields["mode"] != "RO")
            {
                throw new ApiFailure("VBD_CDS_MUST_BE_READONLY");
            }

            if (empty && (string)fields["type"] != "CD")
            {
                throw ApiFailure.NotAllowed("only a CD drive can be empty");
            }

            fields["VDI"] = empty ? Values.NullRef : CheckVdi(tx, (string)fields["VDI"], (string)fields["mode"]);
            HashSet<string> used = [.. tx.All("VBD").Where(vbd => vbd.Text("VM") == vm.Ref).Select(vbd => vbd.Text("userdevice"))];
            string wanted = (string)fields["userdevice"];
            if (wanted == "autodetect")
            {
                fields["userdevice"] = Enumerable.Range(0, MaximumDevice).Select(n => Values.Text((long)n)).First(n => !used.Contains(n));
            }
            else if (used.Contains(wanted))
            {
                throw new ApiFailure("DEVICE_ALREADY_EXISTS", wanted);
            }
            else if (!IsDevice(wanted))
            {
                throw new ApiFailure("INVALID_DEVICE", wanted);
            }

            return tx.Create("VBD", fields);
        });
    }

    private static bool IsDevice(string name) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number is >= 0 and <= MaximumDevice
        : name.Length >= 3 && (name.StartsWith("xvd", StringComparison.Ordinal) || name.StartsWith("hd", StringComparison.Ordinal) || name.StartsWith("sd", StringComparison.Ordinal));

    private static string CheckVdi(Transaction tx, string reference, string mode)
    {
        Record vdi = tx.Get("VDI", reference);
        if (!vdi.Flag("managed"))
        {
            throw new ApiFailure("VDI_NOT_MANAGED", reference);
        }

        return vdi.Flag("read_only") && mode == "RW" ? throw new ApiFailure("VDI_READONLY", reference) : reference;
    }

    private void Destroy(Call call) => database.Change(tx =>
    {
        Record vbd = tx.Get("VBD", call.Text(0));
        if (vbd.Flag("currently_attached"))
        {
            throw ApiFailure.NotAllowed($"VBD '{vbd.Uuid}' is still attached to '{tx.Get("VM", vbd.Text("VM")).Uuid}'");
        }

        tx.Delete(vbd.Ref);
    });

    /// <summary>Keeps the VM from going down under a disk that is being attached or detached.</summary>
    private async Task<object?> InTurnAsync(Call call, Func<Task> work)
    {
        await domains.InTurnAsync(database.Get("VBD", call.Text(0)).Text("VM"), work, call.Cancellation);
        return null;
    }

    private async Task PlugAsync(Call call)
    {
        Record vbd = database.Get("VBD", call.Text(0));
        Domain domain = RunningDomain(vbd);
        if (vbd.Flag("currently_attached"))
        {
            throw new ApiFailure("DEVICE_ALREADY_ATTACHED", vbd.Ref);
        }

        if (vbd.Text("type") != "CD" && vbd.Text("mode") == "RO" && database.Get("VM", vbd.Text("VM")).Text("HVM_boot_policy").Length > 0)
        {
            // Only a disk that is there when the guest starts may be read-only.
            throw new ApiFailure("DISK_VBD_MUST_BE_READWRITE_FOR_HVM", vbd.Ref);
        }

        if (Domains.IsDisk(vbd))
        {
            domain.Disks[vbd.Ref] = await domains.AttachAsync(vbd, call.Cancellation);
        }

        database.Change(tx => tx.Set(vbd.Ref, ("currently_attached", true), ("device", Domains.DeviceName(vbd.Text("userdevice")))));
    }

    private async Task UnplugAsync(Call call, bool force)
    {
        Record vbd = database.Get("VBD", call.Text(0));
        Domain domain = RunningDomain(vbd);
        if (!vbd.Flag("currently_attached"))
        {
            throw new ApiFailure("DEVICE_ALREADY_DETACHED", vbd.Ref);
        }

        if (vbd.Text("userdevice") == "0" && domain.Guest is not null)
        {
            throw new ApiFailure("DEVICE_DETACH_REJECTED", "VBD", vbd.Ref, force ? "the guest runs from this disk" : "Device is in use");
        }

        if (domain.Disks.TryRemove(vbd.Ref, out Disk? disk))
        {
            await disk.DisposeAsync();
        }

        database.Change(tx => tx.Set(vbd.Ref, "currently_attached", false));
    }

    private Domain RunningDomain(Record vbd)
    {
        Record vm = database.Get("VM", vbd.Text("VM"));
        string state = vm.Text("power_state");
        return state == "Running" && domains.Find(vm.Ref) is { } domain
            ? domain
            : throw new ApiFailure("VM_BAD_POWER_STATE", vm.Ref, "running", state.ToLowerInvariant());
    }

    private void AssertAttachable(Record vbd)
    {
        string vdi = vbd.Text("VDI");
        if (Domains.IsDisk(vbd) && database.All("VBD").Any(other => other.Text("VDI") == vdi && other.Flag("currently_attached")))
        {
            throw new ApiFailure("VDI_IN_USE", vdi, "attach");
        }
    }

    private void Insert(Call call) => database.Change(tx =>
    {
        Record vbd = Drive(tx, call.Text(0));
        if (!vbd.Flag("empty"))
        {
            throw new ApiFailure("VBD_NOT_EMPTY", vbd.Ref);
        }

        tx.Set(vbd.Ref, ("VDI", tx.Get("VDI", call.Text(1)).Ref), ("empty", false));
    });

    private void Eject(Call call) => database.Change(tx =>
    {
        Record vbd = Drive(tx, call.Text(0));
        if (vbd.Flag("empty"))
        {
            throw new ApiFailure("VBD_IS_EMPTY", vbd.Ref);
        }

        tx.Set(vbd.Ref, ("VDI", Values.NullRef), ("empty", true));
    });

    private static Record Drive(Transaction tx, string reference)
    {
        Record vbd = tx.Get("VBD", reference);
        return vbd.Text("type") == "CD" ? vbd : throw new ApiFailure("VBD_NOT_REMOVABLE_MEDIA", reference);
    }
}
