using System.Text.Json;
using System.Text.Json.Serialization;

namespace NovaShim.XenServerSimulator.Host;

/// <summary>How to reach a host that can be used: what a real XenServer's operator would write into a configuration.</summary>
internal sealed record ReadyFile(
    string Name,
    string Url,
    string Username,
    string Password,
    string SrUuid,
    string SrPath,
    string SshHost,
    int SshPort,
    string SshUser,
    string SshPrivateKeyFile,
    string SshHostKey,
    string ConsoleLogPath,
    int Pid)
{
    /// <summary>Where a root keeps the ready file of the process that runs on it (or ran last).</summary>
    public static string InRoot(string root) => Path.Combine(root, "host.json");

    /// <summary>Reads a ready file; null when there is none that can be read.</summary>
    public static ReadyFile? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(path), ReadyJson.Default.ReadyFile);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes the file so that it is there whole or not at all; it holds a password, so it is for its owner only.</summary>
    public void Write(string path)
    {
        string fresh = path + ".new";
        FileStreamOptions options = new() { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (FileStream stream = new(fresh, options))
        {
            JsonSerializer.Serialize(stream, this, ReadyJson.Default.ReadyFile);
        }

        File.Move(fresh, path, overwrite: true);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ReadyFile))]
internal sealed partial class ReadyJson : JsonSerializerContext;
