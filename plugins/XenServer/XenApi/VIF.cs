using System.Text.Json.Nodes;

namespace NovaShim.XenServer.XenApi;

/// <summary>XenAPI's class VIF: a network interface of a VM.</summary>
internal sealed record VIF
{
    public string uuid { get; init; } = "";

    public string VM { get; init; } = XenApiJson.Null;

    public string network { get; init; } = XenApiJson.Null;

    /// <summary>The place in the VM: <c>0</c>, <c>1</c> …</summary>
    public string device { get; init; } = "";

    public string MAC { get; init; } = "";

    public long MTU { get; init; }

    public static Task<VIF> get_record(Session session, string vif, CancellationToken cancellation) =>
        session.CallAsync("VIF.get_record", XenApiJson.Default.VIF, cancellation, vif);

    public static Task<string> create(Session session, JsonObject record, CancellationToken cancellation) =>
        session.CallAsync("VIF.create", XenApiJson.Default.String, cancellation, record);
}
