using System.Diagnostics;
using System.Globalization;

namespace NovaShim.Faults;

/// <summary>The disk under a host's storage repositories: a file system of its own, in memory, that can be filled. Mounting it needs root.</summary>
internal sealed class RepositoryDisk : IAsyncDisposable
{
    private const string Ample = "size=64g,nr_inodes=1000000";

    private bool _full;

    private RepositoryDisk(string folder) => Folder = folder;

    /// <summary>Where it is mounted.</summary>
    public string Folder { get; }

    /// <summary>The VHD files on it, by their paths.</summary>
    public IReadOnlyCollection<string> Files => Directory.GetFiles(Folder, "*.vhd", SearchOption.AllDirectories);

    /// <summary>Bytes of all files on it.</summary>
    public long Bytes => Files.Sum(f => new FileInfo(f).Length);

    public static async Task<RepositoryDisk> MountAsync(string folder)
    {
        Directory.CreateDirectory(folder);
        await RunAsync("mount", "-t", "tmpfs", "-o", Ample, "novashim-faults", folder);
        return new RepositoryDisk(folder);
    }

    /// <summary>Leaves no room for anything new: no bytes (<c>size</c>), or no files while those that are there may grow (<c>nr_inodes</c>). Returns what it holds, in words.</summary>
    public async Task<string> FillAsync(string what)
    {
        // Somebody who writes just now makes the size too small for what is there: then once more.
        for (var tries = 0; ; tries++)
        {
            var used = (await RunAsync("df", "--block-size=4096", what == "size" ? "--output=used" : "--output=iused", Folder)).Split('\n')[1].Trim();
            var limit = long.Parse(used, CultureInfo.InvariantCulture) * (what == "size" ? 4096 : 1);
            try
            {
                await RunAsync("mount", "-o", string.Create(CultureInfo.InvariantCulture, $"remount,{what}={limit}"), Folder);
                _full = true;
                return $"{what} {limit} and no more";
            }
            catch (InvalidOperationException) when (tries < 20)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50));
            }
        }
    }

    /// <summary>Gives the room back.</summary>
    public async Task EmptyAsync()
    {
        if (_full)
        {
            await RunAsync("mount", "-o", "remount," + Ample, Folder);
            _full = false;
        }
    }

    public async ValueTask DisposeAsync() => await RunAsync("umount", Folder);

    /// <summary>Runs a program of the system and returns its standard output.</summary>
    /// <exception cref="InvalidOperationException">It failed, with what it says.</exception>
    public static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = process.StandardOutput.ReadToEndAsync();
        var complaint = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? await said : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {complaint}{await said}");
    }
}
