namespace NovaShim.XenServer.XenApi;

/// <summary>XenAPI's class SR: a storage repository. Sizes are in bytes.</summary>
internal sealed record SR
{
    public string uuid { get; init; } = "";

    public string name_label { get; init; } = "";

    /// <summary><c>ext</c>, <c>nfs</c>, <c>file</c>, <c>lvm</c> …</summary>
    public string type { get; init; } = "";

    public long physical_size { get; init; }

    public long physical_utilisation { get; init; }

    public static Task<string> get_by_uuid(Session session, string uuid, CancellationToken cancellation) =>
        session.CallAsync("SR.get_by_uuid", XenApiJson.Default.String, cancellation, uuid);

    public static Task<SR> get_record(Session session, string sr, CancellationToken cancellation) =>
        session.CallAsync("SR.get_record", XenApiJson.Default.SR, cancellation, sr);

    public static Task scan(Session session, string sr, CancellationToken cancellation) =>
        XenTask.RunAsync(session, "SR.scan", session.TaskTimeout, cancellation, sr);
}
