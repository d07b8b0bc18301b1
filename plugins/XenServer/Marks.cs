namespace NovaShim.XenServer;

/// <summary>
/// The keys under which the driver writes on hypervisor objects (<c>other_config</c>) what they are: a second run, or the one after a crash, finds its
/// objects by them, and nothing is ever destroyed that does not carry them.
/// </summary>
internal static class Marks
{
    /// <summary>The server's UUID; on its VM and its disks. Snapshots inherit it.</summary>
    public const string Instance = "nova_uuid";

    /// <summary>The control plane's name of the host the VM is on: hosts of one pool share one database.</summary>
    public const string Host = "nova_host";

    /// <summary>On the VM and the disks made at the destination: the migration that made them.</summary>
    public const string Migration = "nova_migration";

    /// <summary>On the VM and the disks at the source: the migration that takes them away.</summary>
    public const string Leaving = "nova_migrating";

    /// <summary>
    /// On the source VM, written before it is stopped: <c>&lt;migration&gt; running</c> or <c>&lt;migration&gt; halted</c>, what to give back in a revert.
    /// </summary>
    public const string StateBefore = "nova_power_state_before";

    /// <summary>On a disk being imported: absent once it holds the whole image.</summary>
    public const string Importing = "nova_importing";

    /// <summary>The server's UUID, on the VM that stands in for it while it is rescued, and on that VM's own disks; these carry no <see cref="Instance"/>.</summary>
    public const string Rescue = "nova_rescue";

    /// <summary>On the server's own VM, written before a rescue touches it: <c>running</c> or <c>halted</c>, what to give back should the rescue fail.</summary>
    public const string StateBeforeRescue = "nova_power_state_before_rescue";

    /// <summary>On the disks that a rebuild made: its request's id. A disk of the server without it is one that this rebuild replaces.</summary>
    public const string Rebuild = "nova_rebuild";

    /// <summary>On a rescue VM's config drive: the id of the request that it was made for, whose password it holds.</summary>
    public const string Request = "nova_request";

    /// <summary>On a disk made for a place other than the root's: that place, <see cref="XenApi.VBD.userdevice"/>.</summary>
    public const string Place = "nova_place";

    /// <summary>On a VM whose image says whether the agent in it is talked to: <c>true</c> or <c>false</c>.</summary>
    public const string UseAgent = "nova_use_agent";

    /// <summary>On a root disk while it is made an image of, and so on the snapshot: the image's UUID.</summary>
    public const string Image = "nova_image";

    /// <summary>The value under which a rescue blocks the start of the server's own VM.</summary>
    public static string RescueBlock(string instance) => "novashim-rescue-" + instance;

    /// <summary>The value under which a migration blocks an operation: what a revert removes, and nothing else.</summary>
    public static string Block(string migration) => "novashim-migration-" + migration;

    /// <summary>How the names of a migration's snapshots begin.</summary>
    public static string SnapshotPrefix(string migration) => "novashim-" + migration + "-";
}
