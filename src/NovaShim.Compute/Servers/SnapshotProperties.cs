namespace NovaShim.Compute.Servers;

/// <summary>Properties of images made of servers, by Nova's names.</summary>
public static class SnapshotProperties
{
    /// <summary>The server's UUID.</summary>
    public const string InstanceUuid = "instance_uuid";

    /// <summary><c>snapshot</c> or <c>backup</c>, unless the user says otherwise.</summary>
    public const string ImageType = "image_type";

    /// <summary>The type of a backup, such as <c>daily</c>: what a rotation consists of.</summary>
    public const string BackupType = "backup_type";

    /// <summary>The <see cref="ImageType"/> of a backup.</summary>
    public const string Backup = "backup";

    /// <summary>The image that the server was built from.</summary>
    public const string BaseImageRef = "base_image_ref";

    /// <summary>Who asked for it.</summary>
    public const string UserId = "user_id";
}
