using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace NovaShim.XenServerSimulator.Dom0;

/// <summary>Finds and ends what an earlier simulator, killed together with its watchdog, left running on the same folder.</summary>
internal static class DomainProcesses
{
    /// <summary>Environment variable that every session of a dom0 carries: <c>&lt;root&gt;#&lt;start&gt;</c>.</summary>
    public const string MarkName = "XENSERVER_SIMULATOR_DOM0";

    /// <summary>A mark for one start on that folder.</summary>
    public static string NewMark(string root) => $"{root}#{Guid.NewGuid():N}";

    /// <summary>Kills each process that provably belongs to a dom0 of that folder, and waits for its end.</summary>
    public static async Task EndLeftOversAsync(DomainFolder folder, TimeProvider time, CancellationToken ct)
    {
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int id) || id == Environment.ProcessId)
            {
                continue;
            }

            // sshd overwrites its arguments with a title that quotes them.
            bool listener = ReadStrings(Path.Combine(directory, "cmdline")) is [var title, ..]
                && title.StartsWith("sshd: ", StringComparison.Ordinal) && title.Contains($" -f {folder.SshdConfig} ", StringComparison.Ordinal);
            bool session = ReadStrings(Path.Combine(directory, "environ")).Any(v => v.StartsWith($"{MarkName}={folder.Root}#", StringComparison.Ordinal));
            if (!listener && !session)
            {
                continue;
            }

            try
            {
                using Process process = Process.GetProcessById(id);
                process.Kill();
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException)
            {
                // It ended by itself.
            }

            while (Lives(directory))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), time, ct);
            }
        }
    }

    /// <summary>Not so a zombie, which nobody may ever fetch where init is a container's.</summary>
    private static bool Lives(string directory) => ReadStrings(Path.Combine(directory, "stat")) is [var stat, ..] && !stat.Contains(") Z ", StringComparison.Ordinal);

    /// <summary>The zero-terminated strings of a file in /proc; none when it cannot be read (gone, or somebody else's).</summary>
    private static string[] ReadStrings(string file)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes(file)).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
