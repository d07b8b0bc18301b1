namespace NovaShim.Compute.Plugins;

/// <summary>
/// The private temporary folder that plugins are loaded from, so that their own folders can be changed while they are in use. It is gone when the process ends in order; what a killed process
/// left is removed at the next start: a lock that dies with its process tells the one from the other.
/// </summary>
internal sealed class ShadowCopies : IDisposable
{
    private const string Prefix = "novashim-plugins-";
    private const string LockName = "in-use";
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory(Prefix);
    private readonly FileStream _lock;
    private int _count;

    public ShadowCopies() => _lock = new FileStream(Path.Combine(_root.FullName, LockName), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);

    /// <summary>Copies a plugin folder whose content was just looked at, and returns the copy's path. Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> when the files cannot be read now.</summary>
    public string Copy(string folder, FolderContent content)
    {
        var copy = Path.Combine(_root.FullName, Interlocked.Increment(ref _count).ToString("d4", System.Globalization.CultureInfo.InvariantCulture), Path.GetFileName(folder));
        Directory.CreateDirectory(copy);
        try
        {
            content.CopyTo(folder, copy);
            return copy;
        }
        catch
        {
            Remove(copy);
            throw;
        }
    }

    /// <summary>Removes a copy. What is still mapped into memory stays until the process ends.</summary>
    public static void Remove(string copy) => Delete(Path.GetDirectoryName(copy)!);

    /// <summary>Removes the folders of processes that have died.</summary>
    public static void RemoveAbandoned()
    {
        foreach (var folder in new DirectoryInfo(Path.GetTempPath()).EnumerateDirectories(Prefix + "*").Where(d => d.LinkTarget is null))
        {
            try
            {
                using (new FileStream(Path.Combine(folder.FullName, LockName), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
                {
                    Delete(folder.FullName);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // In use by a living process, or another user's.
            }
        }
    }

    public void Dispose()
    {
        _lock.Dispose();
        Delete(_root.FullName);
    }

    private static void Delete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Some systems keep loaded files; the next start removes them.
        }
    }
}
