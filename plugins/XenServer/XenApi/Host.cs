namespace NovaShim.XenServer.XenApi;

/// <summary>XenAPI's class host.</summary>
internal sealed record Host
{
    public string uuid { get; init; } = "";

    public string name_label { get; init; } = "";

    public string hostname { get; init; } = "";

    public string address { get; init; } = "";

    public string metrics { get; init; } = XenApiJson.Null;

    /// <summary>Versions by name; <c>product_version</c> is such as <c>8.2.1</c>.</summary>
    public Dictionary<string, string> software_version { get; init; } = [];

    /// <summary>What programs have noted, xapi among them: <c>boot_time</c> …</summary>
    public Dictionary<string, string> other_config { get; init; } = [];

    /// <summary>What the CPUs are: <c>cpu_count</c>, <c>vendor</c>, <c>modelname</c> …</summary>
    public Dictionary<string, string> cpu_info { get; init; } = [];

    public static Task<Dictionary<string, Host>> get_all_records(Session session, CancellationToken cancellation) =>
        session.CallAsync("host.get_all_records", XenApiJson.Default.DictionaryStringHost, cancellation);

    /// <summary>Memory that VMs could still be given, in bytes.</summary>
    public static Task<long> compute_free_memory(Session session, string host, CancellationToken cancellation) =>
        session.CallAsync("host.compute_free_memory", XenApiJson.Default.Int64, cancellation, host);
}

/// <summary>XenAPI's class host_metrics.</summary>
internal sealed record HostMetrics
{
    /// <summary>The host's memory in bytes.</summary>
    public long memory_total { get; init; }

    public static Task<HostMetrics> get_record(Session session, string metrics, CancellationToken cancellation) =>
        session.CallAsync("host_metrics.get_record", XenApiJson.Default.HostMetrics, cancellation, metrics);
}
