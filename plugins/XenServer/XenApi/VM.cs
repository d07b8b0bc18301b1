using System.Text.Json.Nodes;

namespace NovaShim.XenServer.XenApi;

/// <summary>XenAPI's class VM: a virtual machine, a snapshot or a template. Fields and messages have the official SDK's names; times are UTC, memory is in bytes.</summary>
internal sealed record VM
{
    public string uuid { get; init; } = "";

    public string name_label { get; init; } = "";

    public string name_description { get; init; } = "";

    /// <summary><c>Halted</c>, <c>Paused</c>, <c>Running</c> or <c>Suspended</c>.</summary>
    public string power_state { get; init; } = "";

    public bool is_a_template { get; init; }

    public bool is_a_snapshot { get; init; }

    public bool is_control_domain { get; init; }

    /// <summary>The number of its domain, -1 without one.</summary>
    public long domid { get; init; } = -1;

    public string snapshot_of { get; init; } = XenApiJson.Null;

    public string resident_on { get; init; } = XenApiJson.Null;

    /// <summary>The most memory it may have now.</summary>
    public long memory_dynamic_max { get; init; }

    public string guest_metrics { get; init; } = XenApiJson.Null;

    public List<string> VBDs { get; init; } = [];

    public List<string> VIFs { get; init; } = [];

    public List<string> snapshots { get; init; } = [];

    public string HVM_boot_policy { get; init; } = "";

    public Dictionary<string, string> HVM_boot_params { get; init; } = [];

    public string PV_bootloader { get; init; } = "";

    public string PV_bootloader_args { get; init; } = "";

    public string PV_kernel { get; init; } = "";

    public string PV_ramdisk { get; init; } = "";

    public string PV_args { get; init; } = "";

    public string PV_legacy_args { get; init; } = "";

    public Dictionary<string, string> platform { get; init; } = [];

    public Dictionary<string, string> other_config { get; init; } = [];

    public Dictionary<string, string> blocked_operations { get; init; } = [];

    /// <summary>What the guest finds in XenStore; its keys below <c>vm-data</c>.</summary>
    public Dictionary<string, string> xenstore_data { get; init; } = [];

    public static Task<Dictionary<string, VM>> get_all_records(Session session, CancellationToken cancellation) =>
        session.CallAsync("VM.get_all_records", XenApiJson.Default.DictionaryStringVM, cancellation);

    public static Task<VM> get_record(Session session, string vm, CancellationToken cancellation) =>
        session.CallAsync("VM.get_record", XenApiJson.Default.VM, cancellation, vm);

    public static Task<string> create(Session session, JsonObject record, CancellationToken cancellation) =>
        session.CallAsync("VM.create", XenApiJson.Default.String, cancellation, record);

    public static Task destroy(Session session, string vm, CancellationToken cancellation) => session.CallAsync("VM.destroy", cancellation, vm);

    public static Task snapshot(Session session, string vm, string name, CancellationToken cancellation) =>
        XenTask.RunAsync(session, "VM.snapshot", session.TaskTimeout, cancellation, vm, name);

    public static Task start_on(Session session, string vm, string host, CancellationToken cancellation) =>
        XenTask.RunAsync(session, "VM.start_on", session.TaskTimeout, cancellation, vm, host, false, false);

    public static Task clean_shutdown(Session session, string vm, TimeSpan within, CancellationToken cancellation) =>
        XenTask.RunAsync(session, "VM.clean_shutdown", within, cancellation, vm);

    public static Task hard_shutdown(Session session, string vm, CancellationToken cancellation) =>
        XenTask.RunAsync(session, "VM.hard_shutdown", session.TaskTimeout, cancellation, vm);

    public static Task clean_reboot(Session session, string vm, TimeSpan within, CancellationToken cancellation) =>
        XenTask.RunAsync(session, "VM.clean_reboot", within, cancellation, vm);

    public static Task hard_reboot(Session session, string vm, CancellationToken cancellation) =>
        XenTask.RunAsync(session, "VM.hard_reboot", session.TaskTimeout, cancellation, vm);

    public static Task pause(Session session, string vm, CancellationToken cancellation) => XenTask.RunAsync(session, "VM.pause", session.TaskTimeout, cancellation, vm);

    public static Task unpause(Session session, string vm, CancellationToken cancellation) => XenTask.RunAsync(session, "VM.unpause", session.TaskTimeout, cancellation, vm);

    public static Task suspend(Session session, string vm, CancellationToken cancellation) => XenTask.RunAsync(session, "VM.suspend", session.TaskTimeout, cancellation, vm);

    public static Task resume_on(Session session, string vm, string host, CancellationToken cancellation) =>
        XenTask.RunAsync(session, "VM.resume_on", session.TaskTimeout, cancellation, vm, host, false, false);

    /// <summary>The figures that XenServer has of a VM; their values are asked for one by one.</summary>
    public static Task<List<DataSource>> get_data_sources(Session session, string vm, CancellationToken cancellation) =>
        session.CallAsync("VM.get_data_sources", XenApiJson.Default.ListDataSource, cancellation, vm);

    public static Task<double> query_data_source(Session session, string vm, string source, CancellationToken cancellation) =>
        session.CallAsync("VM.query_data_source", XenApiJson.Default.Double, cancellation, vm, source);

    public static Task set_name_description(Session session, string vm, string text, CancellationToken cancellation) =>
        session.CallAsync("VM.set_name_description", cancellation, vm, text);

    public static Task add_to_xenstore_data(Session session, string vm, string key, string value, CancellationToken cancellation) =>
        session.CallAsync("VM.add_to_xenstore_data", cancellation, vm, key, value);

    public static Task remove_from_xenstore_data(Session session, string vm, string key, CancellationToken cancellation) =>
        session.CallAsync("VM.remove_from_xenstore_data", cancellation, vm, key);

    public static Task add_to_other_config(Session session, string vm, string key, string value, CancellationToken cancellation) =>
        session.CallAsync("VM.add_to_other_config", cancellation, vm, key, value);

    public static Task remove_from_other_config(Session session, string vm, string key, CancellationToken cancellation) =>
        session.CallAsync("VM.remove_from_other_config", cancellation, vm, key);

    public static Task add_to_blocked_operations(Session session, string vm, string operation, string value, CancellationToken cancellation) =>
        session.CallAsync("VM.add_to_blocked_operations", cancellation, vm, operation, value);

    public static Task remove_from_blocked_operations(Session session, string vm, string operation, CancellationToken cancellation) =>
        session.CallAsync("VM.remove_from_blocked_operations", cancellation, vm, operation);
}

/// <summary>XenAPI's class data_source: one of the figures that XenServer collects.</summary>
internal sealed record DataSource
{
    public string name_label { get; init; } = "";

    /// <summary>Whether it is being collected.</summary>
    public bool enabled { get; init; }
}

/// <summary>XenAPI's class VM_guest_metrics: what the guest's tools report.</summary>
internal sealed record VMGuestMetrics
{
    /// <summary>Addresses by keys such as <c>0/ip</c> and <c>0/ipv6/0</c>.</summary>
    public Dictionary<string, string> networks { get; init; } = [];

    public static Task<VMGuestMetrics> get_record(Session session, string metrics, CancellationToken cancellation) =>
        session.CallAsync("VM_guest_metrics.get_record", XenApiJson.Default.VMGuestMetrics, cancellation, metrics);
}
