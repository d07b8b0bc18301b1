using System.Text;

namespace NovaShim;

/// <summary>Files and folders that are their owner's alone: they hold passwords, servers and tokens' digests.</summary>
internal static class PrivateFiles
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes a folder that only its owner can enter; one that is there is left as it is.</summary>
    public static void CreateFolder(string folder) => Directory.CreateDirectory(folder, Owner | UnixFileMode.UserExecute);

    /// <summary>Writes a file in one move, so that nobody reads half of it.</summary>
    public static void Write(string file, string text)
    {
        var half = file + ".new";
        File.Delete(half);
        using (var stream = new FileStream(half, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Owner }))
        {
            stream.Write(Encoding.UTF8.GetBytes(text));
        }

        File.Move(half, file, overwrite: true);
    }
}
