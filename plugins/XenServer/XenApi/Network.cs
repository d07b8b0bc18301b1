namespace NovaShim.XenServer.XenApi;

/// <summary>XenAPI's class network.</summary>
internal sealed record Network
{
    public string uuid { get; init; } = "";

    public string name_label { get; init; } = "";

    /// <summary>The bridge in dom0, such as <c>xenbr0</c>.</summary>
    public string bridge { get; init; } = "";

    public static Task<Dictionary<string, Network>> get_all_records(Session session, CancellationToken cancellation) =>
        session.CallAsync("network.get_all_records", XenApiJson.Default.DictionaryStringNetwork, cancellation);
}
