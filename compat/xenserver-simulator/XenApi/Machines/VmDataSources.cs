using System.Globalization;
using NovaShim.XenServerSimulator.XenApi.Calls;
using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.XenApi.Machines;

/// <summary>A VM's figures as xapi's collector has them: only a VM with a domain has any.</summary>
internal sealed class VmDataSources(Database database, Domains domains)
{
    public IEnumerable<KeyValuePair<string, MessageHandler>> Messages =>
    [
        new("VM.get_data_sources", Handler.Of(call => Sources(database.Get("VM", call.Text(0))).Select(source => (object)Describe(source)).ToArray())),
        new("VM.query_data_source", Handler.Of(call =>
            Sources(database.Get("VM", call.Text(0))).FirstOrDefault(source => source.Name == call.Text(1)) is { } found
                ? found.Value
                : throw ApiFailure.Internal($"Unknown data source: {call.Text(1)}"))),
    ];

    private static ValueMap Describe(Source source) => new Dictionary<string, object>
    {
        ["name_label"] = source.Name,
        ["name_description"] = source.Description,
        ["enabled"] = true,
        ["standard"] = true,
        ["units"] = source.Units,
        ["min"] = 0.0,
        ["max"] = source.Most,
        ["value"] = 0.0,
    };

    private IEnumerable<Source> Sources(Record vm)
    {
        if (domains.Find(vm.Ref) is not { } domain)
        {
            yield break;
        }

        for (long cpu = 0; cpu < vm.Int("VCPUs_at_startup"); cpu++)
        {
            yield return new(string.Create(CultureInfo.InvariantCulture, $"cpu{cpu}"), "CPU usage", "(fraction)", 1, 0);
        }

        double memory = vm.Int("memory_dynamic_max");
        yield return new("memory", "Memory currently allocated to VM", "B", double.MaxValue, memory);
        yield return new("memory_target", "Target of VM balloon driver", "B", double.MaxValue, memory);
        foreach (Record vbd in database.All("VBD").Where(vbd => vbd.Text("VM") == vm.Ref && domain.Disks.ContainsKey(vbd.Ref)).OrderBy(vbd => vbd.Text("device"), StringComparer.Ordinal))
        {
            double rate = vbd.Text("userdevice") == "0" && domain.Guest is { } guest ? guest.WriteRate : 0;
            yield return new($"vbd_{vbd.Text("device")}_read", "Reads from the device", "B/s", double.MaxValue, 0);
            yield return new($"vbd_{vbd.Text("device")}_write", "Writes to the device", "B/s", double.MaxValue, rate);
        }

        foreach (Record vif in database.All("VIF").Where(vif => vif.Text("VM") == vm.Ref).OrderBy(vif => vif.Text("device"), StringComparer.Ordinal))
        {
            yield return new($"vif_{vif.Text("device")}_rx", "Bytes received on the virtual interface", "B/s", double.MaxValue, 0);
            yield return new($"vif_{vif.Text("device")}_tx", "Bytes transmitted on the virtual interface", "B/s", double.MaxValue, 0);
        }
    }

    private sealed record Source(string Name, string Description, string Units, double Most, double Value);
}
