using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;

namespace NovaShim.XenServer.Tests.ConfigDrive;

/// <summary>Reads disks and the images on them with programs of others. One that is not installed fails the test.</summary>
internal static class DiskReader
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Runs a program to a good end and gives what it printed.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var (exit, output, errors) = Try(program, arguments);
        Assert.True(exit == 0, $"{program} {string.Join(' ', arguments)}: exit {exit}\n{Encoding.UTF8.GetString(output)}\n{errors}");
        return Encoding.UTF8.GetString(output);
    }

    /// <summary>The same, whose output is no text.</summary>
    public static byte[] Bytes(string program, params string[] arguments)
    {
        var (exit, output, errors) = Try(program, arguments);
        Assert.True(exit == 0, $"{program} {string.Join(' ', arguments)}: exit {exit}\n{errors}");
        return output;
    }

    /// <summary>Every file below a folder, by its path in it.</summary>
    public static Dictionary<string, byte[]> FilesIn(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).ToDictionary(f => Path.GetRelativePath(folder, f), File.ReadAllBytes);

    /// <summary>The disk of a VHD that needs no parent, as qemu sees it, in a file.</summary>
    public static string ToRaw(string vhd, string raw)
    {
        Run("qemu-img", "convert", "-f", "vpc", "-O", "raw", vhd, raw);
        return raw;
    }

    /// <summary>The disk of a VHD with its parents, as pyvhdi sees it, in a file. No file of the chain may change meanwhile.</summary>
    public static string ChainToRaw(string leaf, string raw)
    {
        const string script = """
            import sys
            sys.path.insert(0, sys.argv[1])
            import journal
            chain = journal.open_chain(sys.argv[2])
            with open(sys.argv[3], "wb") as raw:
                raw.write(chain[0].read_buffer_at_offset(chain[0].get_media_size(), 0))
            """;
        Run("/usr/bin/python3", "-B", "-c", script, Path.Combine(Repository, "compat", "xenserver-simulator"), leaf, raw);
        return raw;
    }

    /// <summary>The files of an ISO 9660 image, under the names that Linux shows, or by Joliet's names.</summary>
    public static Dictionary<string, byte[]> FilesOf(string image, bool joliet = false)
    {
        var folder = Directory.CreateTempSubdirectory("novashim-iso-");
        try
        {
            Run("bsdtar", "-x", "-f", image, "-C", folder.FullName, "--no-same-permissions", "--options", joliet ? "!rockridge" : "!joliet");
            Run("chmod", "-R", "u+w", folder.FullName);
            return FilesIn(folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The files of the image on a simulated host's disk; the guest has it, and only reads it.</summary>
    public static async Task<Dictionary<string, byte[]>> FilesOfVhdAsync(string leaf)
    {
        var raw = Path.GetTempFileName();
        try
        {
            while (true)
            {
                // The storage repository may be merging the chain: what was read while it changed says nothing.
                var before = Files();
                try
                {
                    return FilesOf(ChainToRaw(leaf, raw));
                }
                catch (Exception) when (Files() != before)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(200));
                }
            }
        }
        finally
        {
            File.Delete(raw);
        }

        // By their names alone: the root's files are written to all the time.
        string Files() => string.Join('\n', Directory.EnumerateFiles(Path.GetDirectoryName(leaf)!, "*.vhd").Order());
    }

    /// <summary>What a kernel's own probing finds on a disk: <c>LABEL</c>, <c>TYPE</c> …</summary>
    public static Dictionary<string, string> Probe(string disk) =>
        Run("/usr/sbin/blkid", "-p", "-o", "export", disk).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('=', 2)).ToDictionary(p => p[0], p => p[1]);

    public static JsonNode Json(byte[] document) => JsonNode.Parse(document)!;

    private static string Repository { get; } = FindRepository();

    private static string FindRepository()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "NovaShim.sln")))
        {
            at = at.Parent ?? throw new DirectoryNotFoundException("The tests are not in their repository.");
        }

        return at.FullName;
    }

    private static (int Exit, byte[] Output, string Errors) Try(string program, string[] arguments)
    {
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["LC_ALL"] = "C.UTF-8" } })!;
        }
        catch (Win32Exception missing)
        {
            throw new InvalidOperationException($"{program} is needed for this test and is not installed", missing);
        }

        using (process)
        {
            using var output = new MemoryStream();
            var reading = process.StandardOutput.BaseStream.CopyToAsync(output);
            var errors = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(Limit))
            {
                process.Kill();
                Assert.Fail($"{program} did not end within {Limit}");
            }

            Task.WaitAll(reading, errors);
            return (process.ExitCode, output.ToArray(), errors.Result);
        }
    }
}
