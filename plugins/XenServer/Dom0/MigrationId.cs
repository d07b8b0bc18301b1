namespace NovaShim.XenServer.Dom0;

/// <summary>A migration's UUID in the one form that is used in names of files and folders.</summary>
internal static class MigrationId
{
    /// <summary>The UUID in lower case with hyphens.</summary>
    /// <exception cref="FormatException">It is no UUID.</exception>
    public static string Checked(string uuid) => Guid.ParseExact(uuid, "D").ToString("D");
}
