namespace NovaShim.XenServerSimulator.XenApi.Records;

/// <summary>What <c>allowed_operations</c> says for the classes where it follows from the object's state; VMs have rules of their own.</summary>
internal static class AllowedOperations
{
    private static readonly string[] Leaf = ["clone", "copy", "snapshot", "resize", "destroy", "forget", "update", "generate_config"];
    private static readonly string[] LeafInUse = ["clone", "snapshot", "generate_config"];
    private static readonly string[] Repository =
        ["scan", "update", "plug", "unplug", "pbd_create", "pbd_destroy", "vdi_create", "vdi_introduce", "vdi_destroy", "vdi_resize", "vdi_clone", "vdi_snapshot", "vdi_copy"];

    private static readonly string[] Host = ["provision", "evacuate", "shutdown", "reboot", "vm_start", "vm_resume"];

    /// <returns>Null for a class whose stored value counts.</returns>
    public static IEnumerable<string>? Of(Record record, Database database) => record.Class.Name switch
    {
        "VDI" when !record.Flag("managed") => ["forget"],
        "VDI" => database.All("VBD").Any(vbd => vbd.Text("VDI") == record.Ref && vbd.Flag("currently_attached")) ? LeafInUse : Leaf,
        "VBD" or "VIF" => database.Find(record.Text("VM"))?.Text("power_state") switch
        {
            "Running" => record.Flag("currently_attached") ? ["attach", "unplug"] : ["attach", "plug"],
            _ => ["attach"],
        },
        "SR" => Repository,
        "host" => Host,
        _ => null,
    };
}
