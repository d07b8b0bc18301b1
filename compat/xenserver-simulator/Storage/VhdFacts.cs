namespace NovaShim.XenServerSimulator.Storage;

/// <summary>What the repository knows of one <c>&lt;uuid&gt;.vhd</c>.</summary>
/// <param name="Uuid">The VDI uuid, which is the file's name (not the uuid in its footer).</param>
/// <param name="VirtualSize">Bytes the guest sees.</param>
/// <param name="PhysicalUtilisation">Length of the file in bytes.</param>
/// <param name="ParentUuid">The VDI uuid its locators name, null for a root.</param>
/// <param name="Hidden">Whether it is a base copy.</param>
internal sealed record VhdFacts(string Uuid, long VirtualSize, long PhysicalUtilisation, string? ParentUuid, bool Hidden);

/// <summary>What a snapshot left behind.</summary>
/// <param name="SnapshotUuid">The new snapshot.</param>
/// <param name="BaseCopyUuid">The new base copy; null when the leaf held nothing of its own, so that the snapshot stands on the leaf's parent.</param>
/// <param name="ParentOfBase">The parent the leaf had before; null for a root.</param>
/// <param name="Leaf">The leaf, same uuid, as it is now.</param>
internal sealed record SnapshotFacts(string SnapshotUuid, string? BaseCopyUuid, string? ParentOfBase, VhdFacts Leaf);

/// <summary>What the garbage collector did to a file that the database has a record of.</summary>
internal abstract record StorageChange(string Uuid)
{
    /// <summary>The file is gone.</summary>
    internal sealed record Forgotten(string Uuid) : StorageChange(Uuid);

    /// <summary>The file has another parent now (null: none). Sizes may have changed too.</summary>
    internal sealed record Reparented(string Uuid, string? ParentUuid) : StorageChange(Uuid);
}
