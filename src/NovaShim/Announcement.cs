using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace NovaShim;

/// <summary>Tells people, and whoever started the program, that it can be used, and where.</summary>
internal static partial class Announcement
{
    /// <summary>Writes the ready file in one move, so that nobody reads half of it, and the data folder's files for clients.</summary>
    public static void Make(IHost program, FileInfo? readyFile, IReadOnlyList<string> roles)
    {
        var url = program.Services.GetService<IServer>()?.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault()?.TrimEnd('/');
        var ready = new Ready(url, IdentityUrl(program, url), roles, Environment.ProcessId);
        var log = program.Services.GetRequiredService<ILoggerFactory>().CreateLogger("NovaShim");
        var parts = string.Join(", ", roles);
        LogReady(log, parts, url ?? "no API here");
        if (url is not null && (program.Services.GetRequiredService<IConfiguration>()["identity:mode"] ?? "builtin") == "builtin")
        {
            var data = Path.GetFullPath(program.Services.GetRequiredService<IConfiguration>()["data"] ?? Composition.DefaultData);
            if (AdminCredentials.Read(data) is { Password: not null } admin)
            {
                (admin with { IdentityUrl = ready.IdentityUrl }).Write(data);
                var file = Path.Combine(data, "admin-openrc");
                LogAdministrator(log, file);
            }
        }

        if (readyFile is not null)
        {
            readyFile.Directory?.Create();
            var half = readyFile.FullName + ".new";
            File.WriteAllText(half, JsonSerializer.Serialize(ready, ReadyJson.Default.Ready));
            File.Move(half, readyFile.FullName, overwrite: true);
        }
    }

    // Where nobody is asked who they are, there is nowhere to log in.
    private static string? IdentityUrl(IHost program, string? url)
    {
        var settings = program.Services.GetRequiredService<IConfiguration>();
        return url is null ? null : (settings["identity:mode"] ?? "builtin") switch
        {
            "builtin" => url + "/identity/v3",
            "keystone" => settings["identity:keystone:url"]?.TrimEnd('/'),
            _ => null,
        };
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "NovaShim is ready ({Roles}): {Url}")]
    private static partial void LogReady(ILogger log, string roles, string url);

    [LoggerMessage(Level = LogLevel.Information, Message = "To be its administrator in a shell: source {File}")]
    private static partial void LogAdministrator(ILogger log, string file);
}

/// <summary>The content of the ready file.</summary>
/// <param name="ApiUrl">Where the API listens, without a path; null in a process without the API.</param>
/// <param name="IdentityUrl">Where to log in (<c>OS_AUTH_URL</c>); null likewise, and where nobody has to.</param>
/// <param name="Roles">What the process is.</param>
/// <param name="Pid">Its id.</param>
internal sealed record Ready(string? ApiUrl, string? IdentityUrl, IReadOnlyList<string> Roles, int Pid);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(Ready))]
[JsonSerializable(typeof(AdminCredentials))]
internal sealed partial class ReadyJson : JsonSerializerContext;
