namespace NovaShim.XenServer.ConfigDrive;

/// <summary>A file of a config drive.</summary>
/// <param name="Path">Where it is on the drive, with slashes between the folders and none at either end.</param>
/// <param name="Content">What is in it. May be a secret: never log it.</param>
internal sealed record DriveFile(string Path, ReadOnlyMemory<byte> Content)
{
    /// <summary>Nothing of what it holds.</summary>
    public override string ToString() => Path;
}
