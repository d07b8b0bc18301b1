using System.Text.Json.Nodes;

namespace NovaShim.XenServer.XenApi;

/// <summary>XenAPI's class VBD: a disk in a VM.</summary>
internal sealed record VBD
{
    public const string ReadOnly = "RO";

    public const string ReadWrite = "RW";

    public string uuid { get; init; } = "";

    public string VM { get; init; } = XenApiJson.Null;

    public string VDI { get; init; } = XenApiJson.Null;

    /// <summary>The place in the VM: <c>0</c>, <c>1</c> …</summary>
    public string userdevice { get; init; } = "";

    public bool bootable { get; init; }

    /// <summary><see cref="ReadOnly"/> or <see cref="ReadWrite"/>.</summary>
    public string mode { get; init; } = "";

    /// <summary><c>CD</c>, <c>Disk</c> or <c>Floppy</c>.</summary>
    public string type { get; init; } = "";

    public bool empty { get; init; }

    public static Task<VBD> get_record(Session session, string vbd, CancellationToken cancellation) =>
        session.CallAsync("VBD.get_record", XenApiJson.Default.VBD, cancellation, vbd);

    public static Task<string> create(Session session, JsonObject record, CancellationToken cancellation) =>
        session.CallAsync("VBD.create", XenApiJson.Default.String, cancellation, record);

    public static Task destroy(Session session, string vbd, CancellationToken cancellation) => session.CallAsync("VBD.destroy", cancellation, vbd);
}
