namespace NovaShim.XenServerSimulator.XenApi.Records;

/// <summary>
/// Fields that are not stored but are the other end of a reference: <c>VM.VBDs</c> is every VBD whose <c>VM</c> is this one.
/// Who changes the reference has thereby changed both objects, and events tell of both.
/// </summary>
internal static class Relations
{
    private static readonly (string Class, string Field, string FromClass, string FromField)[] All =
    [
        ("VM", "VBDs", "VBD", "VM"),
        ("VM", "VIFs", "VIF", "VM"),
        ("VM", "consoles", "console", "VM"),
        ("VM", "snapshots", "VM", "snapshot_of"),
        ("VM", "children", "VM", "parent"),
        ("VDI", "VBDs", "VBD", "VDI"),
        ("VDI", "snapshots", "VDI", "snapshot_of"),
        ("SR", "VDIs", "VDI", "SR"),
        ("SR", "PBDs", "PBD", "SR"),
        ("host", "PBDs", "PBD", "host"),
        ("host", "PIFs", "PIF", "host"),
        ("host", "host_CPUs", "host_cpu", "host"),
        ("host", "resident_VMs", "VM", "resident_on"),
        ("network", "VIFs", "VIF", "network"),
        ("network", "PIFs", "PIF", "network"),
        ("task", "subtasks", "task", "subtask_of"),
    ];

    private static readonly Dictionary<(string Class, string Field), (string FromClass, string FromField)> ByTarget =
        All.ToDictionary(r => (r.Class, r.Field), r => (r.FromClass, r.FromField));

    private static readonly ILookup<string, string> ByFromClass = All.ToLookup(r => r.FromClass, r => r.FromField);

    public static bool TryFind(string className, string field, out (string FromClass, string FromField) source) =>
        ByTarget.TryGetValue((className, field), out source);

    /// <summary>The objects that a record stands in relation to.</summary>
    public static IEnumerable<string> Targets(Record record) =>
        ByFromClass[record.Class.Name].Select(record.Text).Where(reference => !Values.IsNull(reference));

    /// <summary>The objects whose derived fields a change from one version to the other has changed.</summary>
    public static IEnumerable<string> Touched(Record? before, Record? after)
    {
        HashSet<string> old = before is null ? [] : [.. Targets(before)];
        HashSet<string> now = after is null ? [] : [.. Targets(after)];
        old.SymmetricExceptWith(now);
        return old;
    }
}
