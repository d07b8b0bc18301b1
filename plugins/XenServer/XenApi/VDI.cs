using System.Text.Json.Nodes;

namespace NovaShim.XenServer.XenApi;

/// <summary>XenAPI's class VDI: a virtual disk. In a file-based repository its file is <c>&lt;uuid&gt;.vhd</c>. Sizes are in bytes.</summary>
internal sealed record VDI
{
    public string uuid { get; init; } = "";

    public string name_label { get; init; } = "";

    public string SR { get; init; } = XenApiJson.Null;

    public List<string> VBDs { get; init; } = [];

    public long virtual_size { get; init; }

    /// <summary><c>system</c>, <c>user</c>, <c>ephemeral</c> …</summary>
    public string type { get; init; } = "";

    /// <summary>False for a base copy: nobody's disk, there only for its children.</summary>
    public bool managed { get; init; } = true;

    public bool is_a_snapshot { get; init; }

    public Dictionary<string, string> other_config { get; init; } = [];

    public static Task<Dictionary<string, VDI>> get_all_records(Session session, CancellationToken cancellation) =>
        session.CallAsync("VDI.get_all_records", XenApiJson.Default.DictionaryStringVDI, cancellation);

    public static Task<string> get_by_uuid(Session session, string uuid, CancellationToken cancellation) =>
        session.CallAsync("VDI.get_by_uuid", XenApiJson.Default.String, cancellation, uuid);

    public static Task<VDI> get_record(Session session, string vdi, CancellationToken cancellation) =>
        session.CallAsync("VDI.get_record", XenApiJson.Default.VDI, cancellation, vdi);

    public static Task<string> create(Session session, JsonObject record, CancellationToken cancellation) =>
        session.CallAsync("VDI.create", XenApiJson.Default.String, cancellation, record);

    public static Task snapshot(Session session, string vdi, CancellationToken cancellation) =>
        XenTask.RunAsync(session, "VDI.snapshot", session.TaskTimeout, cancellation, vdi, new JsonObject());

    public static Task destroy(Session session, string vdi, CancellationToken cancellation) =>
        XenTask.RunAsync(session, "VDI.destroy", session.TaskTimeout, cancellation, vdi);

    public static Task resize(Session session, string vdi, long bytes, CancellationToken cancellation) =>
        XenTask.RunAsync(session, "VDI.resize", session.TaskTimeout, cancellation, vdi, bytes);

    public static Task set_name_label(Session session, string vdi, string name, CancellationToken cancellation) =>
        session.CallAsync("VDI.set_name_label", cancellation, vdi, name);

    public static Task add_to_other_config(Session session, string vdi, string key, string value, CancellationToken cancellation) =>
        session.CallAsync("VDI.add_to_other_config", cancellation, vdi, key, value);

    public static Task remove_from_other_config(Session session, string vdi, string key, CancellationToken cancellation) =>
        session.CallAsync("VDI.remove_from_other_config", cancellation, vdi, key);
}
